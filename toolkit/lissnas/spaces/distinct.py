"""DistinctSpace: one architecture for each isomorphism class of a categorical space."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.cell import mean_of_groups
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.graph_space import GraphSpace
from lissnas.spaces.space import Floats, Indices, Paths, Rows


class DistinctSpace(GraphSpace):
    """The different networks of an enumerable categorical space, in which several rows may encode one network.

    Two networks are neighbors if any row of one differs in one gene from any row of the other. Their distance is the
    smallest number of such steps (our own choice; it never exceeds the Hamming distance of their nearest rows).

    Parameters
    ----------
    name
        The field's name for the space.
    encoding
        The space of all rows.
    representative
        Returns for each row of a batch the row that represents its network, shape (n, genes). A representative
        represents itself.
    is_network
        Returns for each row of a batch whether it encodes a network, shape (n,).
    paths
        Returns the paths of the networks of a batch of rows. If omitted, the space does not describe them.
    """

    def __init__(
        self,
        name: str,
        encoding: CategoricalSpace,
        representative: Callable[[Rows], Rows],
        is_network: Callable[[Rows], NDArray[np.bool_]],
        paths: Callable[[Rows], Paths] | None = None,
    ) -> None:
        self.name = name
        self._paths = paths
        self.choices = encoding.choices
        self._encoding = encoding
        rows = encoding.all_rows()
        valid = is_network(rows)
        self._representatives, place = np.unique(encoding.index(representative(rows[valid])), return_inverse=True)
        self._place = np.full(encoding.size, -1, dtype=np.int64)
        self._place[valid] = place
        self.size = len(self._representatives)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy in another process needs: it builds its graph when it first needs one.

        A worker gets the space with each job, and opens it once; with 26,206 networks a graph has ten megabytes.
        """
        return {name: value for name, value in vars(self).items() if name not in ("graph", "_shares")}

    @cached_property
    def graph(self) -> EditGraph:
        """The graph whose edges are single edits."""
        rows = self._encoding.all_rows()
        edited, source = self._encoding.neighbors(rows)
        a, b = self._place[source], self._place[self._encoding.index(edited)]
        valid = (a >= 0) & (b >= 0)
        return EditGraph.from_pairs(self.size, a[valid], b[valid])

    def index(self, rows: Rows) -> Indices:
        place = self._place[self._encoding.index(rows)]
        if (place < 0).any():
            first = int((place < 0).argmax())
            raise ArchitectureError(f"row {first} {rows[first].tolist()} is not a network of {self.name}")
        return place

    def rows(self, index: Indices) -> Rows:
        return self._encoding.rows(self._representatives[self.checked_index(index)])

    def choice_shares(self, rows: Rows) -> Floats:
        return self._shares[self.index(rows)]

    @cached_property
    def _shares(self) -> Floats:
        """The choice shares of all networks, shape (size, sum of choices)."""
        valid = self._place >= 0
        choices = self._encoding.choice_shares(self._encoding.all_rows()[valid])
        return mean_of_groups(choices, self._place[valid], self.size)

    def paths(self, rows: Rows) -> Paths | None:
        return self._encoding.paths(rows) if self._paths is None else self._paths(self.canonical(rows))

    def write(self, rows: Rows) -> list[str]:
        return self._encoding.write(self.rows(self.index(rows)))

    def read(self, strings: Sequence[str]) -> Rows:
        return self.canonical(self._encoding.read(strings))
