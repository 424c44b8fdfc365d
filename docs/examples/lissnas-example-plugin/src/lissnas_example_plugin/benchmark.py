"""The Rastrigin function, which has many local minima, on every point of the grid.

Rastrigin, "Systems of extremal control", 1974: f(x) = sum of 10 + x^2 - 10 cos(2 pi x) over the coordinates.
"""

from collections.abc import Mapping

import numpy as np
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import, TableAdapter
from lissnas_benchmarks.columns import Column, Measure

from lissnas_example_plugin.space import STEPS, rastrigin_grid

VALUE = Column("negated-rastrigin", "grid", "", "")
"""The negated function, so that higher is better."""


def _read(source: Import) -> Mapping[Column, Floats]:
    points = np.array([float(step) for step in STEPS])[rastrigin_grid().all_rows()]
    return {VALUE: -(10 + points**2 - 10 * np.cos(2 * np.pi * points)).sum(axis=1)}


ADAPTER = TableAdapter(
    name="rastrigin-grid",
    title="the Rastrigin function with its sign changed, on 6,561 points; no network was trained",
    page="none",
    license="Apache-2.0",
    paper="Rastrigin, Systems of extremal control, Mir, Moscow, 1974",
    space=rastrigin_grid,
    files=(),
    read=_read,
    selects=Measure("negated-rastrigin", ""),
    reports=Measure("negated-rastrigin", ""),
    package=("lissnas_example_plugin", "lissnas-example-plugin"),
    caveats=("a mathematical function, to show how to add a benchmark: it says nothing about networks",),
)
