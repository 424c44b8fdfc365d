"""Edit regret: how much of the gap to the best network is left once the best within k edits is known.

From every start, what a search that sees all within k edits still misses. The definition is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.estimate import Estimate, with_error


@dataclass(frozen=True)
class EditRegret:
    """What is left of the gap to the best network; arrays over the edits 0, 1, ..., K.

    Attributes
    ----------
    edits
        Shape (K + 1,).
    regret
        By how much the best network of the space exceeds the best within so many edits, a mean over all measured
        starts, in the scores' unit, shape (K + 1,).
    left
        The regret as a share of that of the starts themselves, shape (K + 1,); 1 at 0 edits.
    reached
        The share of starts that have a global optimum within so many edits, shape (K + 1,).
    """

    edits: Indices
    regret: Estimate
    left: Estimate
    reached: Floats


def edit_regret(landscape: Landscape, largest: int | None = None) -> EditRegret:
    """Measure the regret of every start after 0, 1, ... edits, exactly.

    Parameters
    ----------
    landscape
        Of scores that are not all equal. Edits may lead over architectures that were not measured.
    largest
        Up to how many edits; until no regret is left, or no more can be reached, if None.

    Intervals are the jackknife over starts; the best network is taken as given.
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
        regret=with_error(mean, np.sqrt(((regrets - mean[:, None]) ** 2).sum(axis=1)) / starts),
        left=with_error(left, np.sqrt((influence**2).sum(axis=1))),
        reached=(regrets == 0).mean(axis=1),
    )


def best_within(landscape: Landscape) -> Iterator[Floats]:
    """Yield the best score within 0, 1, 2, ... edits of each architecture, shape (size,), while any of them rises.

    -inf where nothing within reach was measured. The best within one edit more is the best of the neighbors' bests.
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
