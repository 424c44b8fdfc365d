"""CellSpace: one operation on each edge of a small directed acyclic graph; one of the operations removes the edge."""

from collections.abc import Sequence

import numpy as np

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Rows


class CellSpace(CategoricalSpace):
    """All combinations of operations on the edges of a cell; isomorphic cells count as different.

    Parameters
    ----------
    name, operations, pattern
        As in CategoricalSpace.
    edges
        The two nodes of each gene's edge, the lower first; node 0 is the input, and the highest node is the output.
    none
        The choice that removes the edge.
    """

    def __init__(
        self,
        name: str,
        operations: Sequence[Sequence[str]],
        pattern: str,
        edges: Sequence[tuple[int, int]],
        none: int = 0,
    ) -> None:
        super().__init__(name, operations, pattern)
        self._edges = tuple(edges)
        self._none = none

    def effective(self, rows: Rows) -> Rows:
        """Return each row with every edge removed that is on no path from input to output."""
        present = rows != self._none
        output = max(node for edge in self._edges for node in edge)
        fed = np.zeros((len(rows), output + 1), dtype=np.bool_)
        used = np.zeros_like(fed)
        fed[:, 0] = used[:, output] = True
        in_order = sorted(range(self.genes), key=lambda gene: self._edges[gene])
        for gene in in_order:
            start, end = self._edges[gene]
            fed[:, end] |= fed[:, start] & present[:, gene]
        for gene in sorted(in_order, key=lambda gene: -self._edges[gene][1]):
            start, end = self._edges[gene]
            used[:, start] |= used[:, end] & present[:, gene]
        starts, ends = np.array(self._edges).T
        effective: Rows = np.where(present & fed[:, starts] & used[:, ends], rows, np.uint8(self._none))
        return effective
