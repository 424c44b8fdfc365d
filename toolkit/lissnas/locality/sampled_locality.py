"""Locality where the space cannot be enumerated: over random pairs and walks, or over the pairs of a measured sample.

Figures are estimates of what `lissnas.locality.exact_locality` measures exactly. Pairs and walks are drawn apart from
each other, so that the intervals are those of independent draws; over all pairs of a sample they are the jackknife over
its architectures.
"""

from collections.abc import Sequence

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.locality.exact_locality import PairLocality, locality_of_shells, shell_columns
from lissnas.locality.random_walks import random_walks
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space
from lissnas.statistics.estimate import Estimate, proportion, with_error
from lissnas.statistics.quality import top

_CENTERS_AT_ONCE = 64
"""Of how many architectures the distances to all of a sample are held at once."""


def sample_locality(
    space: Space, rows: Rows, scores: Floats, shares: Sequence[float] = (0.01, 0.05, 0.10)
) -> PairLocality:
    """Measure how the scores of measured architectures agree against edit distance, over all of their pairs.

    Parameters
    ----------
    space
        Of any size.
    rows
        Different architectures, shape (n, genes).
    scores
        Shape (n,).
    shares
        Which best shares of the sample to follow.

    Figures describe the networks that were measured: of others they tell as much as these were drawn at random.
    """
    columns = shell_columns(scores, shares)
    blocks = range(0, len(rows), _CENTERS_AT_ONCE)
    largest = max(int(space.distances(rows[first : first + _CENTERS_AT_ONCE], rows).max()) for first in blocks)
    sums = np.zeros((len(rows), largest + 1, columns.shape[1]))
    differences = np.zeros((len(rows), largest + 1))
    for first in blocks:
        centers = slice(first, min(first + _CENTERS_AT_ONCE, len(rows)))
        distances = space.distances(rows[centers], rows).astype(np.int64)
        count = len(distances)
        key = (distances + (largest + 1) * np.arange(count)[:, None]).ravel()

        def summed(values: Floats, key: Indices = key, count: int = count) -> Floats:
            totals = np.bincount(key, values, count * (largest + 1)).astype(np.float64)
            return totals.reshape(count, largest + 1)

        for number, column in enumerate(columns.T):
            sums[centers, :, number] = summed(np.tile(column, count))
        differences[centers] = summed(np.nan_to_num(np.abs(scores[centers, None] - scores)).ravel())
    return locality_of_shells(ShellSums(sums.swapaxes(0, 1), differences.T), scores, shares)


def random_pair_locality(
    space: Space,
    evaluator: Evaluator,
    centers: int,
    largest_distance: int,
    rng: np.random.Generator,
    shares: Sequence[float] = (0.01, 0.05, 0.10),
) -> PairLocality:
    """Estimate how scores agree against edit distance, from random pairs.

    Parameters
    ----------
    space
        Of any size.
    evaluator
        Scores rows; it is asked for every center, and for as many networks around it as there are distances.
    centers
        How many different architectures to draw pairs around.
    largest_distance
        Up to how many edits.
    rng
        For centers and edits.
    shares
        Which best shares of the centers to follow.

    Raises
    ------
    SettingError
        If the largest distance is below 1, or a share holds no center.

    A pair at distance d is a center and what d random edits make of it, left out if these come back nearer. In a space
    of independent choices all pairs at a distance are then equally likely; in others one is the more likely, the more
    ways of d edits join it.
    """
    if largest_distance < 1:
        raise SettingError(f"pairs have distances from 1 on: the largest cannot be {largest_distance}")
    walks = random_walks(space, space.sample(centers, rng), largest_distance, rng)
    scores = np.asarray(evaluator(walks.reshape(-1, space.genes)), dtype=np.float64).reshape(len(walks), -1)
    tops = np.stack([top(scores[0], share) for share in shares])
    thresholds = np.array([scores[0][marked].min() for marked in tops])
    apart = np.stack([space.distance(walks[0], walk) for walk in walks])
    pairs, differences, correlations, rates, errors, tries = [], [], [], [], [], []
    for distance in range(1, largest_distance + 1):
        drawn = (apart[distance] == distance) & ~np.isnan(scores[0]) & ~np.isnan(scores[distance])
        a, b = scores[0][drawn], scores[distance][drawn]
        pairs.append(len(a))
        differences.append(_mean(np.abs(a - b)))
        correlations.append(_correlation(a, b))
        chosen = np.stack([marked[drawn] for marked in tops])
        tries.append(chosen.sum(axis=1))
        hits = (chosen & (b >= thresholds[:, None])).sum(axis=1)
        with np.errstate(invalid="ignore"):
            rates.append(hits / tries[-1])
            errors.append(np.sqrt(rates[-1] * (1 - rates[-1]) / tries[-1]))
    return PairLocality(
        distance=np.arange(1, largest_distance + 1),
        pairs=np.array(pairs),
        difference=_stacked(differences),
        correlation=_stacked(correlations),
        shares=np.array(shares),
        top_rate=proportion(np.array(rates).T, np.array(errors).T, np.array(tries).T.astype(np.float64)),
        base_rate=tops.mean(axis=1),
    )


def _mean(values: Floats) -> Estimate:
    if not len(values):
        return Estimate(*(np.asarray(np.nan),) * 3)
    return with_error(values.mean(), values.std() / np.sqrt(len(values)))


def _correlation(a: Floats, b: Floats) -> Estimate:
    """Return the correlation over both orders of each pair, its error the jackknife over pairs."""
    if not len(a):
        return Estimate(*(np.asarray(np.nan),) * 3)
    middle = (a.mean() + b.mean()) / 2
    products, squares = (a - middle) * (b - middle), ((a - middle) ** 2 + (b - middle) ** 2) / 2
    value = products.mean() / squares.mean()
    influence = (products - value * squares) / (len(a) * squares.mean())
    return with_error(value, np.sqrt((influence**2).sum()))


def _stacked(estimates: Sequence[Estimate]) -> Estimate:
    return Estimate(*(np.array([getattr(e, name) for e in estimates]) for name in ("value", "low", "high")))
