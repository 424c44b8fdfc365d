"""Landscape: scores over the graph of single edits; where ascent leads, and where it ends.

A local optimum is an architecture that no neighbour betters (White, Nolen and Savani, UAI 2021).
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.space import Floats, Indices, Space


class Landscape:
    """A space's measured architectures joined by single edits.

    Attributes
    ----------
    scores
        Shape (size,); NaN where missing.
    source, target
        All ordered pairs of measured neighbours, `source` ascending.
    """

    def __init__(self, space: Space, scores: Floats) -> None:
        if scores.shape != (space.size,):
            raise SettingError(f"{space.name} has {space.size} architectures, but {scores.shape} scores were given")
        neighbours, source = space.neighbours(space.all_rows())
        target = space.index(neighbours)
        measured = ~np.isnan(scores)
        both = measured[source] & measured[target]
        self.scores = scores
        self.size = space.size
        self.source, self.target = source[both], target[both]

    def best_neighbour(self) -> Indices:
        """Return for each architecture the best of its neighbours and itself, shape (size,); of equal ones itself.

        Where several neighbours are equally good, the last in the order of the index.
        """
        order = np.lexsort((np.arange(self.size), self.scores))
        rank = np.empty(self.size, dtype=np.int64)
        rank[order] = np.arange(self.size)
        best = np.arange(self.size)
        sources, starts = np.unique(self.source, return_index=True)
        if len(sources):
            candidate = order[np.maximum.reduceat(rank[self.target], starts)]
            better = self.scores[candidate] > self.scores[sources]
            best[sources[better]] = candidate[better]
        return best

    def local_optima(self) -> Indices:
        """Return the measured architectures that no neighbour betters, ascending."""
        stays = self.best_neighbour() == np.arange(self.size)
        return np.flatnonzero(stays & ~np.isnan(self.scores))

    def ascend(self) -> Indices:
        """Return where steepest ascent ends from each architecture, shape (size,)."""
        end = self.best_neighbour()
        while not np.array_equal(end, following := end[end]):
            end = following
        return end

    def global_reach(self) -> float:
        """Return the share of measured starts from which steepest ascent reaches a global optimum."""
        measured = ~np.isnan(self.scores)
        reached: NDArray[np.bool_] = self.scores[self.ascend()[measured]] == np.nanmax(self.scores)
        return float(reached.mean())
