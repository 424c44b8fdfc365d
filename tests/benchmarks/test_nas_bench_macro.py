"""NAS-Bench-Macro against its own file, and against files that only look like it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas_benchmarks.benchmark import Import
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.nas_bench_macro import BENCHMARK
from lissnas_benchmarks.table import Measure, Table


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
    assert not set(BENCHMARK.selects.seeds or ()) & set(BENCHMARK.reports.seeds or ())


def _edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        networks = json.loads(text)
        change(networks)
        return json.dumps(networks)

    return edit


def _set(field: str, value: Any) -> Callable[[str], str]:
    return _edited(lambda networks: networks["02012100"].__setitem__(field, value))


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(lambda text, n=n: text[:n], id=f"cut to {n}") for n in (0, 1, 100, 500_000)),
        pytest.param(lambda text: text[:-1], id="last byte lost"),
        pytest.param(lambda text: text[: text.rindex(', "')] + "}", id="last network lost"),
        pytest.param(lambda text: '{"02012100": {}, ' + text[1:], id="a network twice"),
        pytest.param(_edited(lambda networks: networks.pop("11111111")), id="a network missing"),
        pytest.param(_edited(lambda networks: networks.update({"33333333": {}})), id="a network of another space"),
        pytest.param(_edited(lambda networks: networks.update({"0201210": {}})), id="a network too short"),
        pytest.param(_set("mean_acc", 89.2), id="another mean"),
        pytest.param(_set("mean_acc", float("nan")), id="a mean that is no number"),
        pytest.param(_set("test_acc", [float("nan"), 88.95, 89.17]), id="an accuracy that is no number"),
        pytest.param(_set("test_acc", [float("inf"), 88.95, 89.17]), id="an infinite accuracy"),
        pytest.param(_set("test_acc", [889.47, 88.95, -710.83]), id="accuracies beyond 100"),
        pytest.param(_set("test_acc", [89.47, 88.95]), id="two runs"),
        pytest.param(_set("test_acc", "89.47"), id="a string for a list"),
        pytest.param(_set("test_acc", None), id="null for a list"),
        pytest.param(_set("params", None), id="no parameters"),
        pytest.param(_set("params", float("nan")), id="parameters that are no number"),
        pytest.param(_set("flops", 10**400), id="more flops than a float holds"),
        pytest.param(_edited(lambda networks: networks["02012100"].pop("flops")), id="a field missing"),
        pytest.param(lambda text: "[" + text + "]", id="a list"),
        pytest.param(lambda text: json.dumps(list(json.loads(text))), id="a list of the strings"),
        pytest.param(lambda _: "null", id="null"),
        pytest.param(lambda _: "[" * 1_000_000, id="a million brackets"),
        pytest.param(lambda text: text.replace('"', "\udcff", 1), id="no UTF-8"),
    ],
)
def test_a_file_that_only_looks_official_is_refused_with_the_remedy(
    text: str, damage: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(damage(text).encode(errors="surrogateescape"))
    with pytest.raises(BenchmarkFileError, match=r"nas-bench-macro_cifar10\.json: .*lissnas data import"):
        BENCHMARK.read(Import((path,), tmp_path))
