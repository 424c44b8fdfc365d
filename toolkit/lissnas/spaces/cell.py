"""CellSpace: one operation on each edge of a small directed acyclic graph; one of the operations removes the edge."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats, Indices, Paths, Rows


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
    skip
        The choice that is no operation: the skip connection. None if there is none.
    first_isomorphic
        Returns for each cell of a space the place of the first isomorphic cell, shape (size,). If omitted, cells that
        differ only on edges without effect are isomorphic.
    """

    def __init__(
        self,
        name: str,
        operations: Sequence[Sequence[str]],
        pattern: str,
        edges: Sequence[tuple[int, int]],
        none: int = 0,
        skip: int | None = None,
        first_isomorphic: Callable[[CategoricalSpace], Indices] | None = None,
    ) -> None:
        super().__init__(name, operations, pattern)
        self._edges = tuple(edges)
        self._none = none
        self._skip = skip
        self._first_isomorphic = first_isomorphic

    @property
    def _output(self) -> int:
        return max(node for edge in self._edges for node in edge)

    def effective(self, rows: Rows) -> Rows:
        """Return each row with every edge removed that is on no path from input to output."""
        present = rows != self._none
        fed = np.zeros((len(rows), self._output + 1), dtype=np.bool_)
        used = np.zeros_like(fed)
        fed[:, 0] = used[:, self._output] = True
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

    def choice_shares(self, rows: Rows) -> Floats:
        if self._first_isomorphic is None:
            return super().choice_shares(rows)
        return self._shares[self.index(rows)]

    @cached_property
    def _shares(self) -> Floats:
        """The choice shares of all cells, shape (size, sum of choices)."""
        assert self._first_isomorphic is not None
        first = self._first_isomorphic(self)
        return np.asarray(mean_of_groups(self._one_hot(self.all_rows()), first, self.size)[first])

    def paths(self, rows: Rows) -> Paths:
        genes_of_paths = self._paths_from(0)
        length = max(map(len, genes_of_paths))
        operations = np.zeros((len(rows), len(genes_of_paths), length), dtype=np.int64)
        present = np.empty(operations.shape[:2], dtype=np.bool_)
        for place, genes in enumerate(genes_of_paths):
            choices = rows[:, genes].astype(np.int64)
            present[:, place] = (choices != self._none).all(axis=1)
            operations[:, place, : len(genes)] = choices + 1
        operations[(operations == self._none + 1) | ~present[:, :, None]] = 0
        if self._skip is not None:
            operations[operations == self._skip + 1] = 0
        return Paths(operations, present, max(self.choices))

    def _paths_from(self, node: int) -> list[list[int]]:
        """Return the genes of the edges on each path from a node to the output."""
        if node == self._output:
            return [[]]
        leaving = [gene for gene in range(self.genes) if self._edges[gene][0] == node]
        return [[gene, *rest] for gene in leaving for rest in self._paths_from(self._edges[gene][1])]


def mean_of_groups(columns: Floats, group: Indices, count: int) -> Floats:
    """Return the mean of the rows of `columns` in each group, shape (count, columns); 0 for an empty group."""
    members = np.maximum(np.bincount(group, minlength=count), 1)
    sums = [np.bincount(group, column, minlength=count) for column in columns.T]
    return np.asarray(np.stack(sums, axis=1) / members[:, None])
