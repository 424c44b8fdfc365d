"""Edit regret: the gap to the best architecture that remains after the best within k edits of a start is known.

A mean over all starts. The definition is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.estimate import Estimate, normal_estimate


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

    Intervals are the jackknife over all architectures except the best, which stays the same: each is left out once, as
    a start and as what others find. All starts near a good architecture find the same one, so they are not independent.
    """
    ascending = np.argsort(landscape.scores, kind="stable")[: np.count_nonzero(landscape.measured)]  # NaN are last
    scores = landscape.scores[ascending]
    regret, reached, without_one = list[float](), list[float](), list[Floats]()
    for edits, (best, second) in enumerate(_two_best_within(landscape)):
        found = best[ascending]
        gaps = scores[-1] - scores[found]
        regret.append(gaps.mean())
        reached.append(np.mean(gaps == 0))
        without_one.append(_regret_without_one(scores, found, second[ascending]))
        if edits == largest or not gaps.any():
            break
    mean, left_out = np.array(regret), np.stack(without_one)
    with np.errstate(invalid="ignore", divide="ignore"):
        return EditRegret(
            edits=np.arange(len(regret)),
            regret=normal_estimate(mean, _leave_one_out_error(left_out)),
            left=normal_estimate(mean / mean[0], _leave_one_out_error(left_out / left_out[0])),
            reached=np.array(reached),
        )


def best_within(landscape: Landscape) -> Iterator[Floats]:
    """Yield the best score within 0, 1, 2, ... edits of each architecture, shape (size,), until none rises.

    It is -inf where no architecture within reach has a score.
    """
    scores = np.append(np.sort(landscape.scores[landscape.measured]), -np.inf)
    for best, _ in _two_best_within(landscape):
        yield scores[best]


def _two_best_within(landscape: Landscape) -> Iterator[tuple[Indices, Indices]]:
    """Yield the best and the second best within 0, 1, 2, ... edits of each architecture, until no best score rises.

    Architectures are named by their place in ascending order of score; -1 where there is none. The best within k + 1
    edits is the best of the neighbors' bests within k edits.
    """
    count = np.count_nonzero(landscape.measured)
    ascending = np.argsort(landscape.scores, kind="stable")[:count]
    scores = np.append(landscape.scores[ascending], -np.inf)
    best, second = np.full((2, landscape.size), -1)
    best[ascending] = np.arange(count)
    degrees, targets = np.diff(landscape.edits.offsets), landscape.edits.targets
    linked = np.flatnonzero(degrees)
    starts, degrees = landscape.edits.offsets[linked], degrees[linked]
    while True:
        yield best, second
        if not len(linked):
            return
        grown, grown_second = best.copy(), second.copy()
        grown[linked] = np.maximum(best[linked], np.maximum.reduceat(best[targets], starts))
        # The second best is the best of what remains when each neighbor, and the architecture itself, drops the best.
        others = np.where(best[targets] == np.repeat(grown[linked], degrees), second[targets], best[targets])
        own = np.where(best == grown, second, best)[linked]
        grown_second[linked] = np.maximum(own, np.maximum.reduceat(others, starts))
        if np.array_equal(scores[grown], scores[best]):
            return
        best, second = grown, grown_second


def _regret_without_one(scores: Floats, found: Indices, second: Indices) -> Floats:
    """Return the mean regret when one architecture except the best is left out, in ascending order of score.

    Shape (n - 1,).

    Parameters
    ----------
    scores
        The measured scores, ascending, shape (n,).
    found, second
        The places of the best and of the second best that each start finds, shape (n,).
    """
    count = len(scores)
    by_others = found != np.arange(count)
    losses = scores[found[by_others]] - scores[second[by_others]]
    lost = np.bincount(found[by_others], losses, count)
    remaining = scores[found].sum() - scores[found] - lost
    return scores[-1] - remaining[:-1] / (count - 1)


def _leave_one_out_error(values: Floats) -> Floats:
    """Return the jackknife's standard error from the values without one architecture, which is the last axis."""
    count = values.shape[-1]
    error: Floats = np.sqrt((count - 1) * values.var(axis=-1))
    return error
