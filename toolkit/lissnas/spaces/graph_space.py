"""GraphSpace: a space whose neighbors and distances come from an edit graph."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space


class GraphSpace(Space):
    """A space in which an edit of a row may lead to a network that has several rows, so that rows do not show it.

    Attributes
    ----------
    graph
        The graph whose vertices are the architectures, by their index, and whose edges are single edits.
    """

    @property
    @abstractmethod
    def graph(self) -> EditGraph: ...

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        place, source = self.graph.neighbors(self.index(rows))
        return self.rows(place), source

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.graph.distance(self.index(a), self.index(b))

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.graph.distances(self.index(a), self.index(b)).T

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        return self.graph.shell_sums(columns, scores)

    def mean_distance(self, rows: Rows) -> float:
        """As Space.mean_distance; with more than 128 rows, from 128 evenly spaced rows to all others."""
        return self.graph.mean_distance(self.index(rows))
