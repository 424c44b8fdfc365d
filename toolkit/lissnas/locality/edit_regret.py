"""Edit regret: the gap to the best architecture that remains after the best within k edits of a start is known.

A mean over all starts. The definition is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate


@dataclass(frozen=True)
class EditRegret:
    """The gap to the best architecture that remains; arrays over the numbers of edits 0, 1, ..., K.

    Attributes
    ----------
    edits
        Shape (K + 1,).
    regret
        Best score of the space minus the best score within that many edits, the mean over all measured starts, in the
        unit of the scores, shape (K + 1,).
    left
        The regret divided by the regret at 0 edits, shape (K + 1,).
    reached
        Share of the starts with a global optimum within that many edits, shape (K + 1,).
    """

    edits: Indices
    regret: Estimate
    left: Estimate
    reached: Floats


def edit_regret(landscape: Landscape, largest: int | None = None) -> EditRegret:
    """Return the exact mean regret over all starts after 0, 1, ... edits.

    Parameters
    ----------
    landscape
        The landscape; its scores must not all be equal. Paths may pass through architectures without a score.
    largest
        Maximum number of edits. None continues until the regret is 0 or nothing more is reachable.

    Intervals are the jackknife over starts, with the best architecture fixed.
    """
    best = np.nanmax(landscape.scores)
    gaps: list[Floats] = []
    for edits, within in enumerate(best_within(landscape)):
        gaps.append(best - within[landscape.measured])
        if edits == largest or not gaps[-1].any():
            break
    regrets = np.stack(gaps)
    starts = regrets.shape[1]
    mean = regrets.mean(axis=1)
    with np.errstate(invalid="ignore"):
        left = mean / mean[0]
        influence = (regrets - left[:, None] * regrets[0]) / (starts * mean[0])
    return EditRegret(
        edits=np.arange(len(regrets)),
        regret=normal_estimate(mean, jackknife_error(regrets - mean[:, None]) / starts),
        left=normal_estimate(left, jackknife_error(influence)),
        reached=(regrets == 0).mean(axis=1),
    )


def best_within(landscape: Landscape) -> Iterator[Floats]:
    """Yield the best score within 0, 1, 2, ... edits of each architecture, shape (size,), until none rises.

    It is -inf where no architecture within reach has a score. The best within k + 1 edits is the best of the neighbors'
    bests within k edits.
    """
    best = np.where(landscape.measured, landscape.scores, -np.inf)
    degrees = np.diff(landscape.edits.offsets)
    linked = np.flatnonzero(degrees)
    starts = landscape.edits.offsets[linked]
    while True:
        yield best
        if not len(linked):
            return
        grown = best.copy()
        grown[linked] = np.maximum(best[linked], np.maximum.reduceat(best[landscape.edits.targets], starts))
        if np.array_equal(grown, best):
            return
        best = grown
