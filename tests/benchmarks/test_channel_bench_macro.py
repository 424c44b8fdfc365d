"""Channel-Bench-Macro against its own file, against the networks that its authors describe, and against damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas_benchmarks.benchmark import Import
from lissnas_benchmarks.channel_bench_macro import BENCHMARK, MOBILENET
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.table import Measure, Table

MEASURES = [
    *(Measure("accuracy", "test", (seed,)) for seed in range(3)),
    Measure("parameters", ""),
    Measure("macs", ""),
]


@pytest.fixture(scope="module")
def table(open_table: Callable[[str], Table]) -> Table:
    return open_table("channel-bench-macro")


@pytest.fixture(scope="module")
def text(shared_data: Path) -> str:
    return (shared_data / "channel_bench_macro_resnet.json").read_text()


def test_every_value_is_that_of_the_official_file(table: Table, text: str) -> None:
    networks = json.loads(text)
    in_order = [networks[string] for string in table.space.write(table.space.all_rows())]
    expected = [(*network["acc"], network["params"] / 1e6, network["flops"] / 1e6) for network in in_order]
    found = [table.values(measure, "cifar10") for measure in MEASURES]
    np.testing.assert_array_equal(np.transpose(found), expected)


def test_the_mean_of_all_runs_is_the_files_mean(table: Table, text: str) -> None:
    networks = json.loads(text)
    expected = [networks[string]["mean"] for string in table.space.write(table.space.all_rows())]
    np.testing.assert_allclose(table.values(Measure("accuracy", "test"), "cifar10"), expected, rtol=1e-12)


def test_parameters_and_macs_are_those_of_the_resnet_with_these_widths(table: Table) -> None:
    # The network as its authors' model.py builds it: 3x3 convolutions without bias, each followed by a normalisation.
    full = np.array([256, 256, 256, 512, 512, 512, 512])
    stem, one, two, three, out, four, five = (full * (table.space.all_rows() + 1.0) / 4).T
    large, small = 16 * 16, 8 * 8
    layers = [(3, stem, large), (stem, one, large), (one, stem, large), (stem, two, large), (two, stem, large)]
    layers += [(stem, three, small), (three, out, small), (out, four, small), (four, out, small), (out, five, small)]
    layers += [(five, out, small)]
    parameters = sum(9 * a * b + 2 * b for a, b, _pixels in layers) + 10 * out + 10
    macs = sum(9 * a * b * pixels for a, b, pixels in layers) + 10 * out
    np.testing.assert_array_equal(table.values(Measure("parameters", ""), "cifar10"), parameters / 1e6)
    np.testing.assert_array_equal(table.values(Measure("macs", ""), "cifar10"), macs / 1e6)


def test_the_best_network_is_the_one_with_the_best_mean(table: Table) -> None:
    mean = table.values(Measure("accuracy", "test"), "cifar10")
    best = table.space.write(table.space.rows(np.array([mean.argmax()])))
    assert (best, round(mean.max(), 2)) == (["4344424"], 93.89)


def test_no_run_that_selects_also_reports() -> None:
    assert not set(BENCHMARK.selects.seeds or ()) & set(BENCHMARK.reports.seeds or ())


def test_the_mobilenet_file_is_read_as_the_resnet_one(text: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "any.json"
    path.write_text(text)
    columns = MOBILENET.read(Import((path,), tmp_path))
    np.testing.assert_array_equal(next(iter(columns.values())), table.values(MEASURES[0], "cifar10"))


def _edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        networks = json.loads(text)
        change(networks)
        return json.dumps(networks)

    return edit


def _set(field: str, value: Any) -> Callable[[str], str]:
    return _edited(lambda networks: networks["4321234"].__setitem__(field, value))


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(lambda text, n=n: text[:n], id=f"cut to {n}") for n in (0, 1, 500_000)),
        pytest.param(lambda text: text[:-1], id="last byte lost"),
        pytest.param(lambda text: '{"4321234": {}, ' + text[1:], id="a network twice"),
        pytest.param(_edited(lambda networks: networks.pop("1111111")), id="a network missing"),
        pytest.param(_edited(lambda networks: networks.update({"5111111": networks["1111111"]})), id="another width"),
        pytest.param(_edited(lambda networks: networks.update({"02012100": {}})), id="a network of NAS-Bench-Macro"),
        pytest.param(_set("mean", 1.0), id="another mean"),
        pytest.param(_set("mean", float("nan")), id="a mean that is no number"),
        pytest.param(_set("acc", [float("nan"), 93.0, 93.0]), id="an accuracy that is no number"),
        pytest.param(_set("acc", [193.0, 93.0, -7.0]), id="accuracies beyond 100"),
        pytest.param(_set("acc", [93.0, 93.0]), id="two runs"),
        pytest.param(_set("params", -1), id="negative parameters"),
        pytest.param(_set("flops", 10**400), id="more MACs than a float holds"),
        pytest.param(_edited(lambda networks: networks["4321234"].pop("flops")), id="a field missing"),
        pytest.param(lambda _: "[" * 1_000_000, id="a million brackets"),
        pytest.param(lambda text: text.replace('"', "\udcff", 1), id="no UTF-8"),
    ],
)
def test_a_file_that_only_looks_official_is_refused_with_the_remedy(
    text: str, damage: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(damage(text).encode(errors="surrogateescape"))
    with pytest.raises(BenchmarkFileError, match=r"Results_ResNet\.json: .*lissnas data import channel-bench-macro"):
        BENCHMARK.read(Import((path,), tmp_path))
