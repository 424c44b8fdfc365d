"""Landscape: scores over the graph of single edits; where ascent leads, and where it ends.

A local optimum is an architecture that no neighbor betters (White, Nolen and Savani, UAI 2021). Its basin of
attraction is all starts from which steepest ascent ends there.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, Indices, Space

_ROWS_AT_ONCE = 1 << 15
"""Of how many architectures the neighbors are listed together: bounds the memory to some hundred megabytes."""


def edit_graph_of(space: Space) -> EditGraph:
    """Return the neighbor lists of a whole space; raises SettingError for one that cannot be enumerated."""
    rows = space.all_rows()
    degrees, targets = [np.zeros(1, dtype=np.int64)], []
    for first in range(0, space.size, _ROWS_AT_ONCE):
        block = rows[first : first + _ROWS_AT_ONCE]
        neighbors, source = space.neighbors(block)
        degrees.append(np.bincount(source, minlength=len(block)))
        targets.append(space.index(neighbors))
    return EditGraph(np.cumsum(np.concatenate(degrees)), np.concatenate(targets))


class Landscape:
    """A space's measured architectures joined by single edits.

    Parameters
    ----------
    space
        An enumerable space.
    scores
        Shape (size,); NaN where missing.
    edits
        The space's neighbor lists, if they are known already: several data sets share them.

    Raises
    ------
    SettingError
        If the space cannot be enumerated, or there is not one score for each architecture.

    Attributes
    ----------
    scores, edits
        As given.
    source, target
        All ordered pairs of measured neighbors, `source` ascending.
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
        """Which architectures have a score, shape (size,)."""
        return ~np.isnan(self.scores)

    def best_neighbor(self) -> Indices:
        """Return for each architecture the best of its neighbors and itself, shape (size,); of equal ones itself.

        Where several neighbors are equally good, the last in the order of the index.
        """
        return self._best_neighbor

    @cached_property
    def _best_neighbor(self) -> Indices:
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
        """Return the measured architectures that no neighbor betters, ascending."""
        stays = self._best_neighbor == np.arange(self.size)
        return np.flatnonzero(stays & self.measured)

    def ascend(self) -> Indices:
        """Return where steepest ascent ends from each architecture, shape (size,)."""
        return self._ascended[0]

    def ascent_steps(self) -> Indices:
        """Return how many edits steepest ascent takes from each architecture, shape (size,)."""
        return self._ascended[1]

    @cached_property
    def _ascended(self) -> tuple[Indices, Indices]:
        end = self._best_neighbor
        steps = (end != np.arange(self.size)).astype(np.int64)
        while not np.array_equal(end, following := end[end]):
            steps = steps + steps[end]
            end = following
        return end, steps

    def basins(self) -> Indices:
        """Return from how many measured starts steepest ascent ends at each architecture, shape (size,)."""
        return np.bincount(self.ascend()[self.measured], minlength=self.size)

    def global_reach(self) -> float:
        """Return the share of measured starts from which steepest ascent reaches a global optimum."""
        reached: NDArray[np.bool_] = self.scores[self.ascend()[self.measured]] == np.nanmax(self.scores)
        return float(reached.mean())
