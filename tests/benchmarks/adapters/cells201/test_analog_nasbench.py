"""AnalogNAS-Bench against the package's own file, read plainly, and against NAS-Bench-201."""

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lissnas.spaces.space import Floats
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.cells201.analog_nasbench import ADAPTER
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.table import Table
from scipy import stats


class _Plain(pickle.Unpickler):
    """Stubs of the classes of the package, which have attributes only; importing the package needs torch and nni."""

    def find_class(self, module: str, name: str) -> Any:
        return SimpleNamespace if module == "analognasbench.data" else super().find_class(module, name)


@pytest.fixture(scope="module")
def table(open_table: Callable[[str], Table]) -> Table:
    return open_table("analog-nasbench")


@pytest.fixture(scope="module")
def accuracy(table: Table) -> Floats:
    return table.values(Measure("accuracy", "test"), "cifar10")


@pytest.fixture(scope="module")
def official(table: Table) -> dict[str, SimpleNamespace]:
    """The package's records by the string of their cell, in the coding of the package."""
    operations = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
    edges = ("01", "02", "03", "12", "13", "23")
    with ADAPTER.installed_files()[0].open("rb") as file:
        cells = _Plain(file).load()
    named = {}
    for digits, cell in cells.items():
        of = {edge: operations[digit] for edge, digit in zip(edges, digits, strict=True)}
        nodes = [f"|{of['01']}~0|", f"|{of['02']}~0|{of['12']}~1|", f"|{of['03']}~0|{of['13']}~1|{of['23']}~2|"]
        named["+".join(nodes)] = cell
    return named


def _attribute(metric: str) -> Callable[[SimpleNamespace], float]:
    if "drift" not in metric:
        name = "baseline_accuracy" if metric == "accuracy" else metric.replace("-", "_")
        return lambda cell: getattr(cell, name)
    part = "uncertainty" if metric.endswith("-uncertainty") else "value"
    name = metric.removesuffix("-uncertainty").removesuffix("s").replace("-", "_")
    return lambda cell: getattr(getattr(cell, name), part)


@pytest.mark.slow
def test_every_value_equals_the_packages(table: Table, official: dict[str, SimpleNamespace]) -> None:
    cells = [official[string] for string in table.space.write(table.space.all_rows())]
    for column in table.columns:
        found = table.values(Measure(column.metric, "test"), "cifar10")
        expected = np.array([_attribute(column.metric)(cell) for cell in cells])
        known = ~np.isnan(found)
        np.testing.assert_array_equal(found[known], expected[known], err_msg=column.name)


def test_every_figure_of_the_package_is_a_column(table: Table, official: dict[str, SimpleNamespace]) -> None:
    # Of its 14 attributes one is the key; the 8 drifts have two numbers each.
    attributes = set(vars(next(iter(official.values())))) - {"architecture"}
    assert len(table.columns) == len(attributes) + sum("drift" in name for name in attributes) == 21


def test_accuracies_rank_the_cells_as_nasbench201_does(accuracy: Floats, nasbench201: Callable[[str], Floats]) -> None:
    # The known correlation is .991 for this coding, .969 for the next best of all codings.
    assert stats.spearmanr(accuracy, nasbench201("c10_test200")).statistic == pytest.approx(0.991, abs=0.0005)


def test_accuracies_have_the_known_quantiles(accuracy: Floats) -> None:
    # The known values have two digits.
    quantiles = np.quantile(accuracy, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, [87.45, 90.41, 91.82, 94.07], atol=0.005)


def test_no_accuracy_is_missing(accuracy: Floats) -> None:
    assert not np.isnan(accuracy).any()


def test_only_the_corrupt_drift_is_missing(table: Table) -> None:
    missing = {
        (column.metric, table.space.write(table.space.rows(np.flatnonzero(np.isnan(values))))[0])
        for column in table.columns
        if np.isnan(values := table.values(Measure(column.metric, "test"), "cifar10")).sum() == 1
    }
    skips = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
    assert missing == {("analog-drift-60s", skips), ("analog-drift-60s-uncertainty", skips)}


def test_no_other_value_is_missing(table: Table) -> None:
    assert np.isnan(table.frame().collect().to_numpy()).sum() == 2


@pytest.mark.parametrize("cells", [{}, {(0, 0, 0, 0, 0, 0): 1}, {(0, 0): 1}], ids=["none", "one", "of another length"])
def test_a_file_without_all_cells_is_refused(cells: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.anb"
    path.write_bytes(pickle.dumps(cells))
    with pytest.raises(BenchmarkFileError, match=f"{len(cells)} cells instead of 15625"):
        ADAPTER.read(Import((path,), tmp_path))


def test_finding_its_file_does_not_import_the_package() -> None:
    import sys

    ADAPTER.installed_files()
    assert "analognasbench" not in sys.modules
