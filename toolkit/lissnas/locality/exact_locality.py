"""Exact locality: how similar the scores of near architectures are, over all pairs of a space.

An exact measure has no sampling error. Its interval answers another question: how much would the measure change if the
space had other architectures of the same kind? It is the infinitesimal jackknife over architectures (Jaeckel, 1972):
the sum of the squared derivatives of the measure with respect to the weight of each architecture. That choice is our
own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices, ShellSums, Space
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate, wilson_estimate
from lissnas.statistics.quality import is_top


@dataclass(frozen=True)
class PairLocality:
    """Measures over all pairs at each edit distance; arrays over the distances 1, 2, ..., D.

    Attributes
    ----------
    distance
        Shape (D,).
    pairs
        Number of ordered pairs of measured architectures, shape (D,).
    difference
        Mean absolute difference of the two scores, in the unit of the scores, shape (D,).
    correlation
        Pearson correlation of the two scores, shape (D,).
    shares
        The shares q that count as top, shape (Q,).
    top_rate
        P(b is in the top q | a is in the top q, their distance is d), shape (Q, D).
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
    """Return how similar scores are at each edit distance, over all pairs of the space.

    Parameters
    ----------
    space
        An enumerable space.
    scores
        Scores of all architectures, shape (size,), in any unit; a larger score is better. NaN scores are ignored.
    shares
        The top shares for `top_rate`, each between 0 and 1.
    largest_distance
        Maximum distance in edits; None means all distances. For hundreds of thousands of architectures, near pairs
        take seconds and all pairs take hours.

    Raises
    ------
    SettingError
        If a top share is empty, or the largest distance is below 1.

    Measures are NaN at a distance without pairs.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> found = pair_locality(macro(), macro().all_rows().sum(axis=1).astype(float))
    >>> found.correlation.value.round(2)[[0, 3, 7]].tolist()
    [0.81, 0.25, -0.5]
    """
    columns = shell_columns(scores, shares)
    if largest_distance is None:
        shells = space.shell_sums(columns, scores)
    elif largest_distance >= 1:
        shells = space.near_shell_sums(columns, scores, largest_distance)
    else:
        raise SettingError(f"the largest distance must be at least 1 edit, not {largest_distance}")
    return locality_of_shells(shells, scores, shares)


def shell_columns(scores: Floats, shares: Sequence[float]) -> Floats:
    """Return the columns that `locality_of_shells` needs summed over shells, shape (n, 3 + shares)."""
    measured = ~np.isnan(scores)
    centered = np.where(measured, scores - np.nanmean(scores), 0)
    tops = [is_top(scores, share) for share in shares]
    return np.column_stack([measured, centered, centered**2, *tops]).astype(np.float64)


@np.errstate(divide="ignore", invalid="ignore")
def locality_of_shells(shells: ShellSums, scores: Floats, shares: Sequence[float]) -> PairLocality:
    """Return the measures over all pairs at each distance, from the sums of `shell_columns` over shells."""
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
    source_squares = neighbors * shifted**2
    target_squares = squares * measured - 2 * mean[:, None] * second + mean[:, None] ** 2 * neighbors
    squares_of_both = source_squares + target_squares
    correlation_influence = (2 * shifted * shifted_second - correlation[:, None] * squares_of_both) / (
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
        difference=normal_estimate(difference, jackknife_error(difference_influence)),
        correlation=normal_estimate(correlation, jackknife_error(correlation_influence)),
        shares=np.array(shares),
        top_rate=wilson_estimate(rate, rate_error, np.broadcast_to(top_counts[:, None], rate.shape).astype(np.float64)),
        base_rate=(top_counts - 1) / (np.count_nonzero(measured) - 1),
    )
