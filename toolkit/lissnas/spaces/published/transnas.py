"""The two spaces of TransNAS-Bench-101: a cell of four operations on six edges, and a chain of four to six modules.

Duan et al., "TransNAS-Bench-101: Improving Transferability and Generalizability of Cross-Task Neural Architecture
Search", CVPR 2021.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.cell import CellSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.isomorphic_cells import distinct_cells, first_of_each
from lissnas.spaces.space import Indices, Rows

MICRO_OPERATIONS = ("0", "1", "2", "3")
"""In official strings: 0 none, 1 skip connection, 2 1x1 convolution, 3 3x3 convolution."""

_MICRO_SPECIAL = ("0", "1", ("2", "3"))
"""The operations that return zero and their input, and those with weights."""

MICRO_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The two nodes of each gene's edge, in the order of the official string."""

MACRO_MODULES = ("1", "2", "3", "4", "")
"""In official strings: 1 plain module, 2 doubles the channels, 3 halves the resolution, 4 does both, "" no module."""

LENGTHS = (4, 6)
"""Minimum and maximum number of modules of a chain."""

HALVINGS = (1, 4)
"""Minimum and maximum number of modules that halve the resolution."""

DOUBLINGS = (1, 3)
"""Minimum and maximum number of modules that double the channels."""


def transnas_micro() -> CellSpace:
    """Return the 4^6 = 4,096 cells; isomorphic cells count as different, because the benchmark trained each of them."""
    operations = (MICRO_OPERATIONS,) * len(MICRO_EDGES)
    pattern = "64-41414-{}_{}{}_{}{}{}"
    return CellSpace("transnas-micro", operations, pattern, MICRO_EDGES, skip=1, first_isomorphic=_first_isomorphic)


def distinct_transnas_micro() -> DistinctSpace:
    """Return the space of the different functions that the 4,096 cells compute; see `distinct_cells`."""
    return distinct_cells("distinct transnas-micro", transnas_micro(), *_MICRO_SPECIAL)


def _first_isomorphic(cells: CategoricalSpace) -> Indices:
    return first_of_each(cells, *_MICRO_SPECIAL)


def transnas_macro() -> DistinctSpace:
    """Return the 3,256 chains of modules.

    A row has six genes; in a shorter chain the last genes are 4, no module. An edit replaces a module, or adds or
    removes the last one (our own choice). The limits on halvings and doublings are those within which NASLib samples.
    Of all limits of this kind, only these, and these swapped, give the published 3,256 chains.
    """
    longest = LENGTHS[1]
    rows = CategoricalSpace("transnas-macro", (MACRO_MODULES,) * longest, "64-" + "{}" * longest + "-basic")
    return DistinctSpace("transnas-macro", rows, lambda rows: rows, _is_chain)


def _is_chain(rows: Rows) -> NDArray[np.bool_]:
    """Return which rows have "no module" only at the end, and an allowed number of modules of each kind."""
    modules = rows != MACRO_MODULES.index("")
    without_gaps: NDArray[np.bool_] = (modules[:, :-1] >= modules[:, 1:]).all(axis=1)
    halving, doubling = ((rows == a) | (rows == b) for a, b in ((2, 3), (1, 3)))
    return without_gaps & _within(modules, LENGTHS) & _within(halving, HALVINGS) & _within(doubling, DOUBLINGS)


def _within(chosen: NDArray[np.bool_], limits: tuple[int, int]) -> NDArray[np.bool_]:
    count = chosen.sum(axis=1)
    within: NDArray[np.bool_] = (limits[0] <= count) & (count <= limits[1])
    return within
