"""NAS-Bench-101 against files in its official format, written from real graphs, and against damaged ones."""

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nas_bench_101_official as official
import numpy as np
import polars as pl
import pytest
from column_checksums import checksum_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lissnas.spaces.published.nasbench101 import OPERATIONS, nasbench101
from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.adapters.nas_bench_101 import ADAPTER, FULL, nas_bench_101_adapter
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.readers.model_metrics import read_metrics
from lissnas_benchmarks.table import Table

SPLITS = ("train", "validation", "test")

FILE = "cells.tfrecord"


@dataclass(frozen=True)
class Run:
    """One training of one cell, as in a record."""

    code: str
    epochs: int
    cell: str
    evaluations: tuple[tuple[float, ...], ...]
    parameters: int

    def payload(self) -> bytes:
        metrics = official.model_metrics(self.evaluations, self.parameters, self.evaluations[-1][1] * 1.3)
        return official.record(self.code, self.epochs, self.cell, metrics)


def _cell(matrix: str, operations: str) -> str:
    names = {-1: "input", -2: "output"} | dict(enumerate(OPERATIONS))
    digits = "".join(str(digit) for line in json.loads(matrix) for digit in line)
    return f"{digits} {','.join(names[number] for number in json.loads(operations))}"


def _runs(frame: pl.DataFrame, shift: float = 0) -> list[Run]:
    """Make runs of a real table's rows; it has no time, training and test accuracy half way: half the final ones."""
    return [
        Run(
            row["hash"],
            4,
            _cell(row["matrix"], row["ops"]),
            (
                (0.0, 0.0, 0.1, 0.1, 0.1),
                (2.0, row["train_s"] / 2, row["train_acc"] / 2, row["val_acc_half"], row["test_acc"] / 2),
                (4.0, row["train_s"], row["train_acc"] + shift, row["val_acc"] + shift, row["test_acc"] + shift),
            ),
            row["params"],
        )
        for row in frame.iter_rows(named=True)
    ]


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    return pl.read_parquet(shared_data / "nasbench101_5v_4epochs.parquet")


@pytest.fixture(scope="module")
def runs(real: pl.DataFrame) -> list[Run]:
    """The 273 real runs of the 91 cells of at most 4 vertices."""
    return _runs(real.filter(space="4V9E").sort("repeat", maintain_order=True))


@pytest.fixture(scope="module")
def benchmark_() -> TableAdapter:
    return nas_bench_101_adapter("four", OfficialFile(FILE), budgets=(4,), max_vertices=4)


def _read(benchmark: TableAdapter, data: bytes, folder: Path) -> dict[Column, np.ndarray]:
    path = folder / FILE
    path.write_bytes(data)
    return dict(benchmark.read(Import((path,), folder)))


def _file(runs: Iterable[Run]) -> bytes:
    return b"".join(official.frame(run.payload()) for run in runs)


def _expected(runs: list[Run], max_vertices: int) -> dict[tuple[str, str, int, int], np.ndarray]:
    """Return the expected value of each column, run by run, as the official query sorts them into lists."""
    space = nasbench101(max_vertices)
    columns: dict[tuple[str, str, int, int], np.ndarray] = {}
    seen: dict[tuple[int, int], int] = {}
    for run in runs:
        [place] = space.index(space.read([run.cell])).tolist()
        seed = seen[place, run.epochs] = seen.get((place, run.epochs), -1) + 1
        for epochs, (_, time, *shares) in zip((run.epochs // 2, run.epochs), run.evaluations[1:], strict=True):
            named = {("training-time", ""): time}
            named |= {("accuracy", split): 100 * x for split, x in zip(SPLITS, shares, strict=True)}
            for (metric, split), value in named.items():
                column = columns.setdefault((metric, split, epochs, seed), np.full(space.size, np.nan))
                column[place] = value
    return columns


def _assert_holds(columns: dict[Column, np.ndarray], runs: list[Run], max_vertices: int) -> None:
    expected = _expected(runs, max_vertices)
    found = {(c.metric, c.split, c.epochs, c.seed): values for c, values in columns.items() if c.seed is not None}
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values)


def test_every_value_is_that_of_its_record(benchmark_: TableAdapter, runs: list[Run], tmp_path: Path) -> None:
    columns = _read(benchmark_, _file(runs), tmp_path)
    _assert_holds(columns, runs, 4)
    assert checksum_of(columns) == 3786520694  # no change of the reader has changed a value


def test_repeats_are_numbered_in_the_order_of_the_file(
    benchmark_: TableAdapter, runs: list[Run], tmp_path: Path
) -> None:
    shuffled = [runs[place] for place in np.random.default_rng(0).permutation(len(runs))]
    _assert_holds(_read(benchmark_, _file(shuffled), tmp_path), shuffled, 4)


def test_parameters_are_those_of_every_record(benchmark_: TableAdapter, runs: list[Run], tmp_path: Path) -> None:
    found = _read(benchmark_, _file(runs), tmp_path)[Column("parameters", "cifar10", "", "M", quality=False)]
    space = nasbench101(4)
    place = space.index(space.read([run.cell for run in runs]))
    np.testing.assert_array_equal(found[place], [run.parameters / 1e6 for run in runs])


def test_each_budget_has_its_columns(runs: list[Run], tmp_path: Path) -> None:
    longer = [
        replace(
            run, epochs=epochs, evaluations=tuple((e * epochs / 4, t * epochs / 4, *x) for e, t, *x in run.evaluations)
        )
        for run in runs
        for epochs in (36, 4)
    ]
    both = nas_bench_101_adapter("two budgets", OfficialFile(FILE), budgets=(4, 36), max_vertices=4)
    _assert_holds(_read(both, _file(longer), tmp_path), longer, 4)


@pytest.fixture(scope="module")
def table(real: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """The 2,532 cells of at most 5 vertices: one real run each, and two shifted copies of it."""
    five = nas_bench_101_adapter("five", OfficialFile(FILE), budgets=(4,), max_vertices=5)
    path = tmp_path_factory.mktemp("five") / FILE
    frame = real.filter(space="5V9E")
    path.write_bytes(_file(run for shift in (0, 0.01, 0.05) for run in _runs(frame, shift)))
    return Table(import_files(five, (path,)), five.space)


def test_a_smaller_file_becomes_a_table(table: Table, real: pl.DataFrame) -> None:
    frame = real.filter(space="5V9E")
    order = np.argsort(table.space.index(table.space.read([run.cell for run in _runs(frame)])))
    found = table.values(Measure("accuracy", "test", epochs=4), "cifar10")
    np.testing.assert_allclose(found, 100 * (frame["test_acc"].to_numpy()[order] + 0.02), rtol=1e-12)


def test_a_measure_without_epochs_raises_an_error_with_the_known_ones(table: Table) -> None:
    with pytest.raises(Exception, match=re.escape("after [2, 4] epochs: say which")):
        table.values(Measure("accuracy", "validation"), "cifar10")


def test_the_official_hashes_of_real_cells_are_those_of_their_definition(real: pl.DataFrame) -> None:
    assert all(official.cell_hash(run.cell) == run.code for run in _runs(real[:300]))


def test_a_record_may_number_the_vertices_of_its_cell_differently(
    benchmark_: TableAdapter, runs: list[Run], tmp_path: Path
) -> None:
    space = nasbench101(4)
    # Two vertices side by side, first one in front, then the other.
    ways = ["0110000100010000 input,{},{},output".format(*names) for names in (OPERATIONS[:2], OPERATIONS[1::-1])]
    place = space.index(space.read(ways))[0]
    same = [at for at, run in enumerate(runs) if space.index(space.read([run.cell]))[0] == place]
    renumbered = list(runs)
    for at, way in zip(same, [*ways, ways[0]], strict=True):
        renumbered[at] = replace(runs[at], cell=way)
    found, expected = (_read(benchmark_, _file(some), tmp_path) for some in (renumbered, runs))
    for column, values in expected.items():
        np.testing.assert_array_equal(found[column], values)


def test_progress_ends_at_1(benchmark_: TableAdapter, runs: list[Run], tmp_path: Path) -> None:
    shares: list[float] = []
    (tmp_path / FILE).write_bytes(_file(runs))
    benchmark_.read(Import((tmp_path / FILE,), tmp_path, shares.append))
    assert shares[-1] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("benchmark", "budgets"), [(ADAPTER, {108}), (FULL, {4, 12, 36, 108})])
def test_the_official_files_are_known_by_address_and_checksum(benchmark: TableAdapter, budgets: set[int]) -> None:
    [file] = benchmark.files
    assert file.url == f"https://storage.googleapis.com/nasbench/{file.name}"
    assert file.sha256 is not None
    assert len(file.sha256) == 64
    assert find_adapter(benchmark.name) is benchmark


def test_methods_select_by_validation_and_are_judged_by_test() -> None:
    assert (ADAPTER.selects.split, ADAPTER.reports.split) == ("validation", "test")


# Metrics as other writers may put them


EVALUATIONS = ((0.0, 0.0, 0.1, 0.1, 0.1), (2.0, 50.0, 0.4, 0.3, 0.2), (4.0, 99.5, 0.8, 0.7, 0.6))
NUMBERS = [*(number for one in EVALUATIONS for number in one), 2_694_282]


def _with_path(evaluation: tuple[float, ...]) -> bytes:
    """The message of an evaluation with its checkpoint's path."""
    data = official.evaluation_data(evaluation) + b"\x32\x09/x/model-1"[:11]
    return b"\x0a" + bytes([len(data)]) + data


METRICS = official.model_metrics(EVALUATIONS, 2_694_282, 120.0)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(METRICS, id="as published"),
        pytest.param(b"".join(map(_with_path, EVALUATIONS)) + METRICS[-14:], id="with the paths of checkpoints"),
        pytest.param(METRICS[-14:] + METRICS[:-14], id="in another order"),
        pytest.param(METRICS + b"\x20\x05" + b"\x2d1234" + b"\x32\x02ab", id="with unknown fields"),
    ],
)
def test_metrics_are_read_field_by_field(message: bytes) -> None:
    np.testing.assert_array_equal(read_metrics([message, METRICS, message]), [NUMBERS] * 3)


def test_a_number_that_a_message_lacks_is_nan() -> None:
    [found] = read_metrics([METRICS[:-14]])
    assert np.isnan(found[-1])
    np.testing.assert_array_equal(found[:-1], NUMBERS[:-1])


@given(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=20))
def test_parameters_of_any_size_are_read(parameters: list[int]) -> None:
    messages = [official.model_metrics(EVALUATIONS, number, 1.0) for number in parameters]
    np.testing.assert_array_equal(read_metrics(messages)[:, -1], parameters)


# Damaged files


def _set(**fields: Any) -> Callable[[list[Run]], list[Run]]:
    return lambda runs: [*runs[:100], replace(runs[100], **fields), *runs[101:]]


def _final(*values: float) -> Callable[[list[Run]], list[Run]]:
    return lambda runs: _set(evaluations=(*runs[100].evaluations[:2], values))(runs)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda runs: [], "91 of 91 cells have not 3 runs of 4 epochs", id="empty"),
        pytest.param(lambda runs: runs[:-1], "1 of 91 cells have not 3 runs of 4 epochs", id="last record missing"),
        pytest.param(
            lambda runs: [run for run in runs if run.code != runs[5].code], "1 of 91 .* has 0", id="a cell missing"
        ),
        pytest.param(lambda runs: [*runs, runs[0]], "more than 3 runs of 4 epochs", id="a run too many"),
        pytest.param(lambda runs: [*runs[1:], runs[1]], "more than 3 runs", id="one run for another's"),
        pytest.param(
            _set(parameters=5), "another number of parameters than an earlier record", id="contradictory parameters"
        ),
        pytest.param(_set(parameters=0), "missing or impossible", id="no parameters"),
        pytest.param(_set(code="0" * 32), "another hash than an earlier record", id="another hash"),
        pytest.param(
            lambda runs: [replace(run, code=runs[0].code) for run in runs],
            "hashes and cells do not match",
            id="one hash for all",
        ),
        pytest.param(_set(epochs=108), "record at byte .*: 108 epochs, not one of", id="another budget"),
        pytest.param(_set(cell="0200 input,output"), "is not written as", id="no matrix"),
        pytest.param(_set(cell="0000 input,output"), "no path leads", id="no network"),
        pytest.param(
            _set(cell="0100000100000100000100000 input," + "maxpool3x3," * 3 + "output"),
            "is not in",
            id="a larger cell",
        ),
        pytest.param(
            _final(4, 100, float("nan"), 0.5, 0.5), "missing or impossible", id="an accuracy that is no number"
        ),
        pytest.param(_final(4, 100, 0.5, 0.5, 1.01), "missing or impossible", id="an accuracy beyond 100 %"),
        pytest.param(_final(4, 100, 0.5, -0.1, 0.5), "missing or impossible", id="a negative accuracy"),
        pytest.param(_final(4, float("inf"), 0.5, 0.5, 0.5), "missing or impossible", id="an infinite time"),
        pytest.param(_final(4, -1, 0.5, 0.5, 0.5), "missing or impossible", id="a negative time"),
        pytest.param(_final(4, 100, 0.5, 0.5), "missing or impossible", id="no test accuracy"),
        pytest.param(
            lambda runs: _set(evaluations=runs[0].evaluations[:2])(runs), "2 evaluations instead of 3", id="no end"
        ),
    ],
)
def test_a_file_with_impossible_values_is_refused_with_the_remedy(
    benchmark_: TableAdapter, runs: list[Run], change: Any, why: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchmarkFileError, match=rf"(?s)^cells\.tfrecord: .*{why}.*lissnas data import four"):
        _read(benchmark_, _file(change(runs)), tmp_path)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"not JSON",
        b'["\xff", 4, "0100", "input,output", ""]',
        b'["0", 4.5, "0100", "input,output", ""]',
        b'["0", 4, "0100", "input,output", "A"]',
        b'["0", 4, "0100", "input,output", "\xc3\xa9"]',
        b'["0", 4, "0100", "input,output", ""]',
        b'["0", 4, "0100", "input,output", "CgA="]',
        b'["0", 4, "0100", "input,output", "////////////////"]',
        b'["0", 4, "0100", "input,output", "", "more"]',
        b"[" * 10_000,
    ],
)
def test_a_malformed_record_is_refused(
    benchmark_: TableAdapter, runs: list[Run], payload: bytes, tmp_path: Path
) -> None:
    with pytest.raises(BenchmarkFileError, match=r"^cells\.tfrecord: .*record.*lissnas data import"):
        _read(benchmark_, _file(runs[:3]) + official.frame(payload), tmp_path)


def test_a_damaged_record_is_named_by_its_byte(benchmark_: TableAdapter, runs: list[Run], tmp_path: Path) -> None:
    data = bytearray(_file(runs))
    start = list(official.positions(bytes(data)))[200]
    data[start + 100] ^= 4
    with pytest.raises(BenchmarkFileError, match=f"damaged: the record at byte {start:,} does not match its checksum"):
        _read(benchmark_, bytes(data), tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_a_file_truncated_anywhere_is_refused(
    benchmark_: TableAdapter, runs: list[Run], seed: int, tmp_path: Path
) -> None:
    data = _file(runs)
    stop = int(np.random.default_rng(seed).integers(len(data)))
    with pytest.raises(BenchmarkFileError, match=r"cut short|have not 3 runs"):
        _read(benchmark_, data[:stop], tmp_path)


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_metrics_are_read_or_refused(message: bytes) -> None:
    with suppress(ValueError):
        read_metrics([message, METRICS])


def test_one_run_that_is_listed_three_times_is_not_three_runs(
    benchmark_: TableAdapter, runs: list[Run], tmp_path: Path
) -> None:
    first = {run.cell: run for run in runs}
    with pytest.raises(BenchmarkFileError, match=r"runs 0 and 1 of 4 epochs of the cell '.*' are copies of one run"):
        _read(benchmark_, _file([first[run.cell] for run in runs]), tmp_path)
