"""Landscape: scores on the graph of single edits, its local optima, and their basins of attraction.

A local optimum is an architecture without a better neighbor (White, Nolen and Savani, UAI 2021). Its basin of
attraction is the set of all starts from which steepest ascent ends at it.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, Indices, Space

_ROWS_AT_ONCE = 1 << 15
"""Number of architectures whose neighbors are listed in one batch: bounds the memory to a few hundred megabytes."""


def edit_graph_of(space: Space) -> EditGraph:
    """Return the neighbor lists of a space. Raises SettingError if it cannot be enumerated."""
    rows = space.all_rows()
    degrees, targets = [np.zeros(1, dtype=np.int64)], []
    for first in range(0, space.size, _ROWS_AT_ONCE):
        block = rows[first : first + _ROWS_AT_ONCE]
        neighbors, source = space.neighbors(block)
        degrees.append(np.bincount(source, minlength=len(block)))
        targets.append(space.index(neighbors))
    return EditGraph(np.cumsum(np.concatenate(degrees)), np.concatenate(targets))


class Landscape:
    """The measured architectures of a space, linked by single edits.

    Parameters
    ----------
    space
        An enumerable space.
    scores
        Scores of all architectures, shape (size,); NaN where missing.
    edits
        The neighbor lists of the space, if they are known: several data sets share them.

    Raises
    ------
    SettingError
        If the space cannot be enumerated, or `scores` has another shape.

    Attributes
    ----------
    scores, edits
        The arguments.
    source, target
        The indices of all ordered pairs of measured neighbors, `source` ascending.
    """

    def __init__(self, space: Space, scores: Floats, edits: EditGraph | None = None) -> None:
        if scores.shape != (space.size,):
            raise SettingError(f"{space.name} has {space.size} architectures, but {scores.shape} scores were given")
        self.scores = scores
        self.size = space.size
        self.edits = edit_graph_of(space) if edits is None else edits
        source, target = np.repeat(np.arange(space.size), np.diff(self.edits.offsets)), self.edits.targets
        if not self.measured.all():
            both = self.measured[source] & self.measured[target]
            source, target = source[both], target[both]
        self.source, self.target = source, target

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Whether each architecture has a score, shape (size,)."""
        return ~np.isnan(self.scores)

    @cached_property
    def best_neighbor(self) -> Indices:
        """The index of the best of each architecture and its neighbors, shape (size,).

        Ties go to the architecture itself, and among neighbors to the last by index.
        """
        order = np.lexsort((np.arange(self.size), self.scores))
        rank = np.empty(self.size, dtype=np.int64)
        rank[order] = np.arange(self.size)
        best = np.arange(self.size)
        starts = np.flatnonzero(np.diff(self.source, prepend=-1))
        if len(starts):
            sources = self.source[starts]
            candidate = order[np.maximum.reduceat(rank[self.target], starts)]
            better = self.scores[candidate] > self.scores[sources]
            best[sources[better]] = candidate[better]
        return best

    def local_optima(self) -> Indices:
        """Return the indices of the measured architectures without a better neighbor, ascending."""
        is_optimum = self.best_neighbor == np.arange(self.size)
        return np.flatnonzero(is_optimum & self.measured)

    def ascend(self) -> Indices:
        """Return the index where steepest ascent from each architecture ends, shape (size,)."""
        return self._ascended[0]

    def ascent_steps(self) -> Indices:
        """Return the number of edits of steepest ascent from each architecture, shape (size,)."""
        return self._ascended[1]

    @cached_property
    def _ascended(self) -> tuple[Indices, Indices]:
        end = self.best_neighbor
        steps = (end != np.arange(self.size)).astype(np.int64)
        while not np.array_equal(end, following := end[end]):
            steps = steps + steps[end]
            end = following
        return end, steps

    def basins(self) -> Indices:
        """Return the number of measured starts whose steepest ascent ends at each architecture, shape (size,)."""
        return np.bincount(self.ascend()[self.measured], minlength=self.size)

    def global_reach(self) -> float:
        """Return the share of measured starts whose steepest ascent reaches a global optimum."""
        reached: NDArray[np.bool_] = self.scores[self.ascend()[self.measured]] == np.nanmax(self.scores)
        return float(reached.mean())
