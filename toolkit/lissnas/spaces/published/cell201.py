"""The cell of NAS-Bench-201 and of NATS-Bench's topology space: 4 nodes and an operation on each of the 6 edges.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.cell import CellSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.isomorphic_cells import distinct_cells, first_of_each
from lissnas.spaces.space import Indices

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The two nodes of each gene's edge, in the order of the official string."""

_SPECIAL = ("none", "skip_connect", ("nor_conv_1x1", "nor_conv_3x3"))
"""The operations that return zero and their input, and those with weights."""


def cell201() -> CellSpace:
    """Return the 5^6 = 15,625 cells; the genes are the edges in the order of the official string.

    Isomorphic cells count as different, because the benchmark trained each of them.
    """
    pattern = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
    return CellSpace("cell201", (OPERATIONS,) * len(EDGES), pattern, EDGES, skip=1, first_isomorphic=_first_isomorphic)


def distinct_cell201() -> DistinctSpace:
    """Return the space of the 5,260 different functions that the 15,625 cells compute.

    The official program counts 6,466: it keeps sums with an empty term, and ignores which convolutions are shared. See
    `distinct_cells`.
    """
    return distinct_cells("distinct cell201", cell201(), *_SPECIAL)


def _first_isomorphic(cells: CategoricalSpace) -> Indices:
    return first_of_each(cells, *_SPECIAL)
