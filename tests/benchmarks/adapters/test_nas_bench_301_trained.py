"""The trainings behind NAS-Bench-301: each under its architecture, in the layouts of NASBenchAPI and of NASLib."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.bridges.dialects import read_architectures, write_architectures
from lissnas.spaces.published.darts import darts
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.nas_bench_301_trained import NASLIB, columns_of, read_naslib, read_trainings
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize

PREFIX = "NetworkSelectorDatasetInfo:darts:"
VALIDATION = Column("accuracy", "cifar10", "validation", "%")


def _config() -> dict[str, Any]:
    """The architecture of a real file of the benchmark's authors."""
    normal = {0: "skip_connect", 1: "sep_conv_3x3", 2: "sep_conv_3x3", 3: "skip_connect", 5: "dil_conv_3x3"}
    normal |= {7: "dil_conv_5x5", 10: "sep_conv_3x3", 11: "skip_connect"}
    reduce = {0: "max_pool_3x3", 1: "avg_pool_3x3", 2: "skip_connect", 3: "dil_conv_5x5", 6: "sep_conv_3x3"}
    reduce |= {7: "sep_conv_5x5", 11: "sep_conv_3x3", 12: "dil_conv_3x3"}
    config = {f"{PREFIX}edge_normal_{at}": name for at, name in normal.items()}
    config |= {f"{PREFIX}edge_reduce_{at}": name for at, name in reduce.items()}
    inputs = {"normal": ("0_1", "0_2", "1_2"), "reduce": ("0_1", "1_2", "2_3")}
    for cell, pairs in inputs.items():
        config |= {f"{PREFIX}inputs_node_{cell}_{node + 3}": pair for node, pair in enumerate(pairs)}
    return config | {f"{PREFIX}layers": 8}


def _entry(accuracy: float, budget: int = 98, **changed: str) -> dict[str, Any]:
    parsed = {
        "budget": budget,
        "created_by_optimizer": "re",
        "optimized_hyperparamater_config": _config() | {PREFIX + key: value for key, value in changed.items()},
        "runtime": 100.5,
        "test_accuracy": accuracy - 1,
        "info": [{"val_accuracy": 1.0, "val_accuracy_final": accuracy}],
        "learning_curves": {"Train/val_accuracy": [accuracy] * 98},
    }
    return {"path": "results_0.json", "parsed": parsed}


def _write(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_bytes(pickle.dumps({"entries": json.loads(json.dumps(entries)), "num_files": len(entries)}, 4))
    return path


def test_repeated_trainings_are_averaged_and_other_budgets_left_out(tmp_path: Path) -> None:
    other = _entry(91.0, edge_normal_0="max_pool_3x3")
    path = _write(tmp_path / "x.pkl", [_entry(94.0), other, _entry(93.0), _entry(50.0, budget=10)])
    assert recognize(path).benchmark == "nas-bench-301-trained"
    notes: list[str] = []
    index, columns = columns_of(read_trainings(path), Import((path,), tmp_path, note=notes.append))
    strings = darts().write(darts().rows(index))
    accuracy = dict(zip(strings, columns[VALIDATION].tolist(), strict=True))
    [mean] = [value for string, value in accuracy.items() if "max_pool_3x3', 0" not in string.split("reduce")[0]]
    assert sorted(accuracy.values()) == [91.0, 93.5]
    assert mean == 93.5
    assert "left out: 1 trainings of another budget than 98 epochs" in notes[0]
    assert "1 architectures were trained several times" in notes[1]


def test_the_edges_of_a_real_architecture_are_those_of_its_settings(tmp_path: Path) -> None:
    index, _ = columns_of(read_trainings(_write(tmp_path / "x.pkl", [_entry(94.0)])), Import((), tmp_path))
    [string] = darts().write(darts().rows(index))
    for edge in ("('skip_connect', 0)", "('dil_conv_5x5', 2)", "('sep_conv_3x3', 2)", "('dil_conv_3x3', 3)"):
        assert edge in string


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (_entry(94.0, edge_normal_0="none"), "another form"),
        (_entry(94.0, inputs_node_normal_3="0_3"), "takes inputs 0 and 3"),
        (_entry(194.0), "impossible value"),
    ],
)
def test_an_impossible_training_is_refused(entry: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match=why):
        columns_of(read_trainings(_write(tmp_path / "x.pkl", [entry])), Import((), tmp_path))


def test_naslibs_pickle_is_read_by_its_compact_tuples(tmp_path: Path) -> None:
    rows = darts().sample(20, np.random.default_rng(0))
    keys = [eval(text) for text in write_architectures(rows, "naslib-301", darts())]  # our own text
    content = {
        key: {"val_accuracies": [1.0, 80.0 + at], "train_losses": [1.0], "runtime": [5.0, 10.0]}
        for at, key in enumerate(keys)
    }
    path = tmp_path / "nb301.pickle"
    path.write_bytes(pickle.dumps(content, 4))
    assert recognize(path).benchmark == "naslib-301"
    index, columns = read_naslib(path)
    expected = darts().index(read_architectures(list(map(str, keys)), "naslib-301", darts()))
    np.testing.assert_array_equal(index, np.sort(expected))
    np.testing.assert_array_equal(columns[VALIDATION][np.searchsorted(index, expected)], 80.0 + np.arange(20))
    assert NASLIB.index is not None
    np.testing.assert_array_equal(NASLIB.index(Import((path,), tmp_path)), index)
