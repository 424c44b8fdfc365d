"""Channel-Bench-Macro against its own file, against the networks that its authors describe, and against damage."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.channel_bench_macro import ADAPTER, MOBILENET
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.table import Table

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
    # The network as its authors' model.py builds it: 3x3 convolutions without bias, each followed by a normalization.
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
    assert not set(ADAPTER.selects.seeds or ()) & set(ADAPTER.reports.seeds or ())


def test_the_mobilenet_file_is_read_as_the_resnet_one(text: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "any.json"
    path.write_text(text)
    columns = MOBILENET.read(Import((path,), tmp_path))
    np.testing.assert_array_equal(next(iter(columns.values())), table.values(MEASURES[0], "cifar10"))
