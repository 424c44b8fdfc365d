"""Locality: how alike networks perform that are built alike. Every measure is exact, over all pairs of a space.

An exact figure has no sampling error. Its interval answers another question: how much would it differ had the space
been filled with other networks of the same kind? It is the infinitesimal jackknife over architectures (Jaeckel, 1972):
a figure's derivative with respect to the weight of each architecture, squared and summed. That choice is our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices, ShellSums, Space
from lissnas.statistics.estimate import Estimate, jackknife_error, proportion, with_error
from lissnas.statistics.quality import top


@dataclass(frozen=True)
class PairLocality:
    """What all pairs at each edit distance have in common; arrays over the distances 1, 2, ..., D.

    Attributes
    ----------
    distance
        Shape (D,).
    pairs
        How many ordered pairs of measured architectures there are, shape (D,).
    difference
        The mean absolute difference of their scores, in the scores' unit, shape (D,).
    correlation
        The Pearson correlation of their scores, shape (D,).
    shares
        The shares q that count as top, shape (Q,).
    top_rate
        P(b is among the top q | a is, and their distance is d), shape (Q, D).
    base_rate
        The same over all pairs of different architectures, shape (Q,).
    """

    distance: Indices
    pairs: Indices
    difference: Estimate
    correlation: Estimate
    shares: Floats
    top_rate: Estimate
    base_rate: Floats


def pair_locality(
    space: Space,
    scores: Floats,
    shares: Sequence[float] = (0.01, 0.05, 0.10),
    largest_distance: int | None = None,
) -> PairLocality:
    """Measure how scores agree against edit distance, over every pair of the space.

    Parameters
    ----------
    space
        An enumerable space.
    scores
        Shape (size,), in any unit, more being better; NaN where missing, and left out.
    shares
        Which best shares to follow, each between 0 and 1.
    largest_distance
        Up to which distance, in edits; to the largest there is if None. Near pairs of hundreds of thousands of
        architectures take seconds, all of them hours.

    Raises
    ------
    SettingError
        If a share holds no architecture, or the largest distance is below 1.

    Figures are NaN at a distance that no pair has.
    """
    columns = shell_columns(scores, shares)
    if largest_distance is None:
        shells = space.shell_sums(columns, scores)
    elif largest_distance >= 1:
        shells = space.near_shell_sums(columns, scores, largest_distance)
    else:
        raise SettingError(f"pairs have distances from 1 on: the largest cannot be {largest_distance}")
    return locality_of_shells(shells, scores, shares)


def shell_columns(scores: Floats, shares: Sequence[float]) -> Floats:
    """Return the columns whose sums over shells `locality_of_shells` takes, shape (n, 3 + shares)."""
    measured = ~np.isnan(scores)
    centered = np.where(measured, scores - np.nanmean(scores), 0)
    tops = [top(scores, share) for share in shares]
    return np.column_stack([measured, centered, centered**2, *tops]).astype(np.float64)


@np.errstate(divide="ignore", invalid="ignore")
def locality_of_shells(shells: ShellSums, scores: Floats, shares: Sequence[float]) -> PairLocality:
    """Return what all pairs at each distance have in common, from the sums of `shell_columns` over shells."""
    measured, centered, _, *tops_by_share = shell_columns(scores, shares).T
    tops = np.stack(tops_by_share) > 0
    neighbors, sums, squares = np.moveaxis(shells.sums[1:, :, :3], -1, 0)
    neighbors = neighbors * measured

    pairs = neighbors.sum(axis=1)
    difference = shells.differences[1:].sum(axis=1) / pairs
    difference_influence = 2 * (shells.differences[1:] - difference[:, None] * neighbors) / pairs[:, None]

    first, second = neighbors * centered, sums * measured
    mean = first.sum(axis=1) / pairs
    shifted = centered - mean[:, None]
    shifted_second = second - mean[:, None] * neighbors
    variance = (neighbors * shifted**2).sum(axis=1) / pairs
    correlation = (shifted * shifted_second).sum(axis=1) / pairs / variance
    own_squares = neighbors * shifted**2
    other_squares = squares * measured - 2 * mean[:, None] * second + mean[:, None] ** 2 * neighbors
    correlation_influence = (2 * shifted * shifted_second - correlation[:, None] * (own_squares + other_squares)) / (
        pairs * variance
    )[:, None]

    hits = np.moveaxis(shells.sums[1:, :, 3:], -1, 0)
    top_pairs = np.where(tops[:, None], neighbors, 0).sum(axis=2)
    top_hits = np.where(tops[:, None], hits, 0).sum(axis=2)
    rate = top_hits / top_pairs
    as_source = np.where(tops[:, None], 2 * hits - rate[..., None] * neighbors, 0)
    as_target = -rate[..., None] * hits * measured
    rate_error = jackknife_error((as_source + as_target) / top_pairs[..., None])

    top_counts = np.count_nonzero(tops, axis=1)
    return PairLocality(
        distance=np.arange(1, len(shells.sums)),
        pairs=pairs.astype(np.int64),
        difference=with_error(difference, jackknife_error(difference_influence)),
        correlation=with_error(correlation, jackknife_error(correlation_influence)),
        shares=np.array(shares),
        top_rate=proportion(rate, rate_error, np.broadcast_to(top_counts[:, None], rate.shape).astype(np.float64)),
        base_rate=(top_counts - 1) / (np.count_nonzero(measured) - 1),
    )
