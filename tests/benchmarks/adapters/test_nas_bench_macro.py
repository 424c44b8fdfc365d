"""NAS-Bench-Macro against its own file, and against files that only look like it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lissnas_benchmarks.adapters.nas_bench_macro import ADAPTER
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table


@pytest.fixture(scope="module")
def table(open_table: Callable[[str], Table]) -> Table:
    return open_table("nas-bench-macro")


@pytest.fixture(scope="module")
def text(macro_file: Path) -> str:
    return macro_file.read_text()


def test_every_value_is_that_of_the_official_file(table: Table, text: str) -> None:
    networks = json.loads(text)
    chains = [networks[string] for string in table.space.write(table.space.all_rows())]
    expected = [(*chain["test_acc"], chain["params"] / 1e6, chain["flops"] / 1e6) for chain in chains]
    measures = [Measure("accuracy", "test", (seed,)) for seed in range(3)]
    measures += [Measure("parameters", ""), Measure("flops", "")]
    found = [table.values(measure, "cifar10") for measure in measures]
    np.testing.assert_array_equal(np.transpose(found), expected)


def test_there_are_6561_networks(table: Table) -> None:
    assert table.space.size == 6561


def test_the_best_mean_of_three_runs_is_as_published(table: Table) -> None:
    assert table.values(Measure("accuracy", "test"), "cifar10").max() == pytest.approx(93.13, abs=0.005)


def test_no_run_that_selects_also_reports() -> None:
    assert not set(ADAPTER.selects.seeds or ()) & set(ADAPTER.reports.seeds or ())


def test_fractions_are_refused(macro_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    networks = json.loads(macro_file.read_text())
    for network in networks.values():
        network["test_acc"] = [accuracy / 100 for accuracy in network["test_acc"]]
        network["mean_acc"] /= 100
    path = tmp_path / macro_file.name
    path.write_text(json.dumps(networks))
    with pytest.raises(BenchmarkFileError, match="the largest of all, but its unit is %: multiply fractions by 100"):
        import_files(ADAPTER, (path,))
