"""NAS-Bench-101 in the pickles of NASLib and NASBenchAPI: the same runs as in the official records."""

import base64
import pickle
from pathlib import Path
from typing import Any

import nas_bench_101_official as official
import numpy as np
import pytest
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas_benchmarks.adapters.nas_bench_101 import ADAPTER, FULL, Runs
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize
from lissnas_benchmarks.readers.pickles.nas_bench_101_pickles import read_nasbenchapi, read_naslib

SPLITS = ("train", "validation", "test")


def _runs(budgets: tuple[int, ...], vertices: int = 3) -> Runs:
    return Runs("runs", nasbench101(vertices), budgets)


def _cells(vertices: int = 3) -> list[str]:
    space = nasbench101(vertices)
    return space.write(space.all_rows())


def _matrix(cell: str) -> np.ndarray:
    digits = cell.split(" ")[0]
    size = int(len(digits) ** 0.5)
    return np.array(list(map(int, digits)), dtype=np.int64).reshape(size, size)


def _columns(runs: Runs) -> dict[tuple[str, str, int | None, int | None], np.ndarray]:
    columns = runs.columns().items()
    return {(column.metric, column.split, column.epochs, column.seed): values for column, values in columns}


def _naslib(rng: np.random.Generator) -> dict[str, Any]:
    def run() -> dict[str, float]:
        return {
            f"{part}_{name}": float(rng.random())
            for part in ("halfway", "final")
            for name in ("training_time", *(f"{split}_accuracy" for split in SPLITS))
        }

    return {
        official.cell_hash(cell): (
            {
                "module_adjacency": _matrix(cell),
                "module_operations": cell.split(" ")[1].split(","),
                "trainable_parameters": 1000 + place,
            },
            {108: [run() for _ in range(3)]},
        )
        for place, cell in enumerate(_cells())
    }


def test_the_real_records_of_naslib_are_read(shared_data: Path) -> None:
    path = shared_data / "formats" / "nasbench_only108_30records.pkl"
    assert recognize(path).benchmark == "nas-bench-101"
    runs = read_naslib(path, _runs((108,), 7))
    known = np.flatnonzero(~np.isnan(runs.parameters))
    assert len(known) == 30
    [place] = np.flatnonzero(runs.parameters == 6_315_018)
    np.testing.assert_array_equal(
        runs.values[0, :, 6, place], [0.9255809187889099, 0.9279847741127014, 0.9246794581413269]
    )
    with pytest.raises(BenchmarkFileError, match="423,594 of 423,624 cells have not 3 runs"):
        runs.columns()


def test_a_complete_pickle_of_naslib_has_every_run_under_its_cell(tmp_path: Path) -> None:
    content = _naslib(np.random.default_rng(0))
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, 4))
    runs = read_naslib(tmp_path / "x.pkl", _runs((108,)))
    columns = {
        (column.metric, column.split, column.epochs, column.seed): values for column, values in runs.columns().items()
    }
    for place, cell in enumerate(_cells()):
        _, trained = content[official.cell_hash(cell)]
        for seed, run in enumerate(trained[108]):
            assert columns["accuracy", "test", 108, seed][place] == 100 * run["final_test_accuracy"]
            assert columns["accuracy", "validation", 54, seed][place] == 100 * run["halfway_validation_accuracy"]
            assert columns["training-time", "", 108, seed][place] == run["final_training_time"]


def _nasbenchapi(budgets: tuple[int, ...], means: str) -> tuple[dict[str, Any], dict[tuple[str, int, int], float]]:
    rng, entries, accuracies = np.random.default_rng(0), {}, {}
    for cell in _cells():
        digits, operations = cell.split(" ")
        records = []
        for epochs in budgets:
            for seed in range(3):
                values = rng.random((3, 4))
                evaluations = tuple((epochs * at / 2, *row) for at, row in enumerate(values.tolist()))
                accuracies[cell, epochs, seed] = 100 * values[2, 3]
                records.append(
                    {
                        "epoch": epochs,
                        "adjacency_str": digits,
                        "operations_str": operations,
                        "metrics_b64": base64.b64encode(official.model_metrics(evaluations, 1000, 1.0)).decode(),
                        "derived": {"trainable_parameters": 1000, "test_accuracy": 0.5},
                    }
                )
        entries[official.cell_hash(cell)] = records
    latest = {
        code: records[-1]
        if means == "references"
        else {**records[-1], "derived": {"trainable_parameters": 1, "mean": 2}}
        for code, records in entries.items()
    }
    content = {"benchmark": "nasbench101", "format": "lossless", "entries_by_arch": entries, "latest_by_arch": latest}
    return content, accuracies


@pytest.mark.parametrize("means", ["references", "copies"])
def test_a_pickle_of_nasbenchapi_has_every_run_and_no_mean(means: str, tmp_path: Path) -> None:
    budgets = (4, 108)
    content, accuracies = _nasbenchapi(budgets, means)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, 4))
    found = recognize(tmp_path / "x.pkl")
    assert (found.benchmark, found.form and found.form.origin) == ("nas-bench-101-full", "NASBenchAPI")
    runs = read_nasbenchapi(tmp_path / "x.pkl", _runs(budgets))
    columns = {
        (column.metric, column.split, column.epochs, column.seed): values for column, values in runs.columns().items()
    }
    for (cell, epochs, seed), accuracy in accuracies.items():
        assert columns["accuracy", "test", epochs, seed][_cells().index(cell)] == accuracy


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (b"module_operations", b"module_operationz", "another form: 'module_operations'"),
        (b"final_train_accuracy", b"final_train_accuracz", "another form: 'final_train_accuracy'"),
        (b"conv3x3-bn-relu", b"conv9x9-bn-relu", "conv9x9-bn-relu"),
    ],
)
def test_another_layout_of_naslib_is_named(was: bytes, now: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(_naslib(np.random.default_rng(0)), 4).replace(was, now, 1))
    with pytest.raises(BenchmarkFileError, match=why):
        read_naslib(tmp_path / "x.pkl", _runs((108,))).columns()


def test_both_adapters_name_their_other_forms() -> None:
    assert [form.origin for form in (*ADAPTER.forms, *FULL.forms)] == ["NASLib", "NASBenchAPI"]
