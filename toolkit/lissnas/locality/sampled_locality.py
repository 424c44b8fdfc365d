"""Sampled locality, for spaces that cannot be enumerated: over random pairs, or over all pairs of a measured sample.

The measures estimate those of `lissnas.locality.exact_locality`. Random pairs are independent, so their intervals are
those of independent draws. Over all pairs of a sample, the intervals are the jackknife over its architectures.
"""

from collections.abc import Sequence

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.locality.exact_locality import PairLocality, locality_of_shells, shell_columns
from lissnas.locality.random_walks import random_walks
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate, wilson_estimate
from lissnas.statistics.quality import is_top

_CENTERS_AT_ONCE = 64
"""Number of architectures whose distances to all others are in memory at once."""


def sample_locality(
    space: Space, rows: Rows, scores: Floats, shares: Sequence[float] = (0.01, 0.05, 0.10)
) -> PairLocality:
    """Return how similar the scores of measured architectures are at each edit distance, over all of their pairs.

    Parameters
    ----------
    space
        A space of any size.
    rows
        Different architectures, shape (n, genes).
    scores
        Their scores, shape (n,).
    shares
        The top shares of the sample for `top_rate`.

    The measures describe the architectures that were measured. They describe the space only if those were drawn at
    random.
    """
    columns = shell_columns(scores, shares)
    blocks = range(0, len(rows), _CENTERS_AT_ONCE)
    largest = max(int(space.distances(rows[first : first + _CENTERS_AT_ONCE], rows).max()) for first in blocks)
    sums = np.empty((len(rows), largest + 1, columns.shape[1]))
    differences = np.empty((len(rows), largest + 1))
    for first in blocks:
        centers = slice(first, first + _CENTERS_AT_ONCE)
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
    """Return how similar scores are at each edit distance, estimated from random pairs.

    Parameters
    ----------
    space
        A space of any size.
    evaluator
        Scores rows: every center, and one architecture for each center and distance.
    centers
        Number of different architectures around which pairs are drawn.
    largest_distance
        Maximum distance in edits.
    rng
        The source of centers and edits.
    shares
        The top shares of the centers for `top_rate`.

    Raises
    ------
    SettingError
        If the largest distance is below 1, or a top share of the centers is empty.

    A pair at distance d is a center and the result of d random edits; it is dropped if their distance is smaller than
    d. In a space of independent choices, all pairs at a distance are then equally likely. In other spaces the
    probability of a pair rises with the number of paths of d edits between its members.
    """
    if largest_distance < 1:
        raise SettingError(f"the largest distance must be at least 1 edit, not {largest_distance}")
    walks = random_walks(space, space.sample(centers, rng), largest_distance, rng)
    scores = np.asarray(evaluator(walks.reshape(-1, space.genes)), dtype=np.float64).reshape(len(walks), -1)
    tops = np.stack([is_top(scores[0], share) for share in shares])
    thresholds = np.array([scores[0][marked].min() for marked in tops])
    distances = np.stack([space.distance(walks[0], walk) for walk in walks])
    pairs, differences, correlations, rates, errors, tries = [], [], [], [], [], []
    for distance in range(1, largest_distance + 1):
        drawn = (distances[distance] == distance) & ~np.isnan(scores[0]) & ~np.isnan(scores[distance])
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
        top_rate=wilson_estimate(np.array(rates).T, np.array(errors).T, np.array(tries).T.astype(np.float64)),
        base_rate=tops.mean(axis=1),
    )


def _mean(values: Floats) -> Estimate:
    if not len(values):
        return Estimate(*(np.asarray(np.nan),) * 3)
    return normal_estimate(values.mean(), values.std() / np.sqrt(len(values)))


def _correlation(a: Floats, b: Floats) -> Estimate:
    """Return the correlation over both orders of each pair, with the jackknife over pairs."""
    if not len(a):
        return Estimate(*(np.asarray(np.nan),) * 3)
    middle = (a.mean() + b.mean()) / 2
    products, squares = (a - middle) * (b - middle), ((a - middle) ** 2 + (b - middle) ** 2) / 2
    value = products.mean() / squares.mean()
    influence = (products - value * squares) / (len(a) * squares.mean())
    return normal_estimate(value, jackknife_error(influence))


def _stacked(estimates: Sequence[Estimate]) -> Estimate:
    return Estimate(*(np.array([getattr(e, name) for e in estimates]) for name in ("value", "low", "high")))
