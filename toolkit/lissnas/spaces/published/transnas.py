"""The two spaces of TransNAS-Bench-101: a cell of four operations on six edges, and a chain of four to six modules.

Duan et al., "TransNAS-Bench-101: Improving Transferability and Generalizability of Cross-Task Neural Architecture
Search", CVPR 2021.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.cell import CellSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.isomorphic_cells import distinct_cells
from lissnas.spaces.space import Rows

MICRO_OPERATIONS = ("0", "1", "2", "3")
"""As official strings write them: none; skip connection; 1x1 convolution; 3x3 convolution."""

MICRO_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Which nodes each gene's edge joins: the order of the official string."""

MACRO_MODULES = ("1", "2", "3", "4", "")
"""As official strings write them: a plain module; one that doubles the channels; halves the resolution; both; none."""

LENGTHS = (4, 6)
"""The fewest and the most modules of a chain."""

HALVINGS = (1, 4)
"""The fewest and the most modules that halve the resolution."""

DOUBLINGS = (1, 3)
"""The fewest and the most modules that double the channels."""


def transnas_micro() -> CellSpace:
    """Return the 4^6 = 4,096 cells; cells that compute the same are kept apart, as the benchmark trained them apart."""
    operations = (MICRO_OPERATIONS,) * len(MICRO_EDGES)
    return CellSpace("transnas-micro", operations, "64-41414-{}_{}{}_{}{}{}", MICRO_EDGES)


def distinct_transnas_micro() -> DistinctSpace:
    """Return the different functions that the 4,096 cells compute; see `distinct_cells`."""
    return distinct_cells("distinct transnas-micro", transnas_micro(), "0", "1", ("2", "3"))


def transnas_macro() -> DistinctSpace:
    """Return the 3,256 chains of modules.

    A row has six genes; a chain of fewer modules ends in the gene 4, no module. One edit exchanges a module, or adds or
    removes the last one (our own choice). The limits on halvings and doublings are those that NASLib samples within; of
    all limits of this kind only they, and the two exchanged, leave the published 3,256 chains.
    """
    longest = LENGTHS[1]
    rows = CategoricalSpace("transnas-macro", (MACRO_MODULES,) * longest, "64-" + "{}" * longest + "-basic")
    return DistinctSpace("transnas-macro", rows, lambda rows: rows, _is_chain)


def _is_chain(rows: Rows) -> NDArray[np.bool_]:
    """Tell which rows have no module only at their end, and as many modules of each kind as allowed."""
    modules = rows != MACRO_MODULES.index("")
    without_gaps: NDArray[np.bool_] = (modules[:, :-1] >= modules[:, 1:]).all(axis=1)
    halving, doubling = ((rows == a) | (rows == b) for a, b in ((2, 3), (1, 3)))
    return without_gaps & _within(modules, LENGTHS) & _within(halving, HALVINGS) & _within(doubling, DOUBLINGS)


def _within(chosen: NDArray[np.bool_], limits: tuple[int, int]) -> NDArray[np.bool_]:
    count = chosen.sum(axis=1)
    within: NDArray[np.bool_] = (limits[0] <= count) & (count <= limits[1])
    return within
