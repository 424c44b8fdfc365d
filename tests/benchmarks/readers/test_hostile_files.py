"""Every reader of a benchmark's file against damaged and hostile ones: an error for the user, or a value of its kind.

The readers, the small valid files and the mutations are those of tests/fuzz, which runs far more of them.
"""

import io
import json
import pickle
import random
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mutations
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from lissnas.errors import JournalError, LissnasError
from lissnas.evaluation.journal import Journal
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.storage.run_identity import RunIdentity
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.nas_bench_301 import ADAPTER
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.surrogates.surrogate import open_folder
from targets import TARGETS
from targets.target import Target

TRIED_FIRST = ("own Parquet table", "Accel-NASBench Parquet")
"""Their files are first gone through by another process, which takes half a second each."""

QUICK = [name for name in TARGETS if "booster" not in name and name not in TRIED_FIRST]

SECONDS = 5


def _is_refused_or_read(target: Target, data: bytes, folder: Path) -> bool:
    """Tell whether a file is read; raises what no reader may raise."""
    path = folder / f"input{target.suffix}"
    path.write_bytes(data)
    started, message = time.perf_counter(), ""
    try:
        target.read(path)
    except LissnasError as error:
        message = str(error)
    assert time.perf_counter() - started < SECONDS
    assert message.replace("\n", "").isprintable()
    assert len(message) <= 2000
    return not message


@cache
def _inputs(name: str) -> list[bytes]:
    return list(TARGETS[name].inputs())


@pytest.mark.parametrize("name", [*QUICK, *TRIED_FIRST])
def test_a_valid_file_is_read(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if name in ("surrogate's description", "archives of small files"):
        pytest.skip("some of its files are there to be refused")
    for data in _inputs(name):
        assert _is_refused_or_read(target, target.file(data), tmp_path)


@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=some.integers(0, 2**32 - 1))
def test_a_changed_file_is_refused_or_read(name: str, seed: int, tmp_path: Path) -> None:
    target, rng = TARGETS[name], random.Random(seed)
    data = rng.choice(_inputs(name))
    wrapped = target.file(data) != data
    mutate = target.mutate if wrapped or (target.file(b"\0") == b"\0" and rng.random() < 0.7) else mutations.octets
    _is_refused_or_read(target, target.file(data[:wrapped] + mutate(data[wrapped:], rng)), tmp_path)


@pytest.mark.parametrize("name", TRIED_FIRST)
def test_a_changed_file_read_in_a_separate_process_first_is_refused_or_read(name: str, tmp_path: Path) -> None:
    target, rng = TARGETS[name], random.Random(0)
    for data in (target.mutate(rng.choice(_inputs(name)), rng) for _ in range(4)):
        _is_refused_or_read(target, data, tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_a_file_truncated_or_with_a_bit_flipped_anywhere_is_refused_or_read(name: str, tmp_path: Path) -> None:
    target, rng = TARGETS[name], np.random.default_rng(0)
    good = target.file(_inputs(name)[0])
    for place in rng.integers(0, len(good), 20).tolist():
        flipped = bytearray(good)
        flipped[place] ^= 1 << int(rng.integers(8))
        for data in (good[:place], bytes(flipped)):
            _is_refused_or_read(target, data, tmp_path)


# What was found, each by the smallest file that shows it


def _with_doubled_list(name: str, was: bytes) -> bytes:
    """Return a valid file of a reader with such a list for one of its values."""
    target = TARGETS[name]
    inside = _inputs(name)[0].removeprefix(b"\0")
    assert was in inside
    bomb = b"]r\xff\xff\xff\x70" + b"".join(
        b"](j\xff\xff\xff\x70j\xff\xff\xff\x70er\xff\xff\xff\x70" for _ in range(60)
    )
    return bytes(target.wrap(inside.replace(was, bomb, 1)))


@pytest.mark.parametrize(
    ("name", "was"),
    [
        ("AnalogNAS-Bench pickle", b"G" + np.array(90.0, ">f8").tobytes()),
        ("NAS-Bench-Graph pickle", b"G" + np.array(1.5, ">f8").tobytes()),
        ("HW-NAS-Bench pickle", b"G" + np.array(1 / 7, ">f8").tobytes()),
        ("TransNAS-Bench-101 .pth", b"G" + np.array(1.5, ">f8").tobytes()),
    ],
)
def test_a_list_of_twice_the_list_before_is_refused_at_once(name: str, was: bytes, tmp_path: Path) -> None:
    # Sixty times: numpy would count its parts, repr would write them.
    assert not _is_refused_or_read(TARGETS[name], _with_doubled_list(name, was), tmp_path)


@pytest.mark.parametrize("name", ["NAS-Bench-201 legacy .pth", "NATS-Bench packed"])
@pytest.mark.parametrize("key", ["arch_str", "epochs", "arch_index", "seed"])
def test_a_record_with_a_nest_of_lists_is_refused_at_once(name: str, key: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    content = pickle.loads(_inputs(name)[0].removeprefix(b"\0"))  # the test's own file
    nest: Any = []
    for _ in range(60):
        nest = [nest, nest]
    for record in content["arch2infos"][0].values():
        for holder in (record, *record["all_results"].values()):
            if key in holder:
                holder[key] = nest
    assert not _is_refused_or_read(target, target.wrap(pickle.dumps(content, 2)), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda record: record["dataset_seed"].update({"cifar100": []}), id="no seed of a data set"),
        pytest.param(lambda record: record["dataset_seed"].update({"cifar100": [((1, 2), 3)]}), id="tuples for seeds"),
        pytest.param(
            lambda record: [run.update(seed=float("inf")) for run in record["all_results"].values()], id="no end"
        ),
    ],
)
def test_a_record_of_other_seeds_is_refused(change: Callable[[dict[str, Any]], Any], tmp_path: Path) -> None:
    target = TARGETS["NAS-Bench-201 legacy .pth"]
    content = pickle.loads(_inputs("NAS-Bench-201 legacy .pth")[0].removeprefix(b"\0"))  # the test's own file
    change(content["arch2infos"][0]["full"])
    assert not _is_refused_or_read(target, target.wrap(pickle.dumps(content, 2)), tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AnalogNAS-Bench pickle", [1]),
        ("AnalogNAS-Bench pickle", dict.fromkeys(range(64), 1)),
        ("AnalogNAS-Bench pickle", {(0, 0, 0, 0, 0, 300 + digit): 1 for digit in range(64)}),
        ("NAS-Bench-Graph pickle", 5),
        ("NAS-Bench-Graph pickle", {2**64: {}}),
        ("NAS-Bench-Graph pickle", {"a": {}}),
        ("NAS-Bench-Graph pickle", {11111: 7}),
    ],
    ids=repr,
)
def test_a_pickle_of_something_else_is_refused(name: str, value: Any, tmp_path: Path) -> None:
    assert not _is_refused_or_read(TARGETS[name], pickle.dumps(value, 4), tmp_path)


def test_shared_curves_count_each_time_towards_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A curve of a hundred numbers, once in the file, stood for a hundred in each of ten thousand records.
    target = TARGETS["TransNAS-Bench-101 .pth"]
    shared = {f"train_{number}": [1.5] * 100 for number in range(60)}
    information = {"inference_time": 0.5}
    record = {"total_epochs": 100, "model_info": information, "metrics": shared}
    monkeypatch.setattr("lissnas_benchmarks.adapters.transnas_bench_101._MAX_NUMBERS", 30_000)
    results = {str(number): dict(record) for number in range(10)}
    data = target.wrap(
        pickle.dumps({"curves": [shared, information], "metrics_dict": {}, "data": {"micro": results}}, 2)
    )
    path = tmp_path / "input.pth"
    path.write_bytes(data)
    with pytest.raises(BenchmarkFileError, match="more than 30,000 numbers"):
        target.read(path)


def test_a_table_of_more_rows_than_there_are_architectures_is_refused_before_it_is_read(tmp_path: Path) -> None:
    # A megabyte of Parquet may contain 200 million equal rows: 3 GB.
    space = CategoricalSpace("pairs", ("0123", "0123"), "{},{}")
    path = tmp_path / "rows.parquet"
    rows = pl.select(
        pl.repeat(0, 3_000_000).alias("a"), pl.repeat(0, 3_000_000).alias("b"), pl.repeat(1.0, 3_000_000).alias("acc")
    )
    target = io.BytesIO()
    rows.write_parquet(target)
    path.write_bytes(target.getvalue())
    for sampled in (False, True):
        benchmark = own_table("own", lambda: space, path, columns="acc", gene_columns=["a", "b"], sampled=sampled)
        with pytest.raises(BenchmarkFileError, match="3,000,000 rows, but pairs has only 16 architectures"):
            benchmark.read(Import((path,), tmp_path))


@pytest.mark.parametrize(
    "content", [b"[" * 100_000 + b"\n", b'{"lissnas_journal": 2, "seed": 1}\n' + b"[" * 100_000 + b"\nx"]
)
def test_a_journal_of_lists_in_lists_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(JournalError):
        Journal(path, RunIdentity(seed=1))


def test_a_surrogate_whose_model_is_missing_and_has_no_checksum_is_refused(tmp_path: Path) -> None:
    described = {"format": 1, "surrogate": "nas-bench-301", "page": "", "license": "", "official": {}}
    members = {"members": {"accuracy": ["a.ubj"]}, "checksums": {"a.ubj": ""}}
    (tmp_path / "surrogate.json").write_text(json.dumps(described | members))
    with pytest.raises(BenchmarkFileError, match=r"a\.ubj: truncated or altered"):
        open_folder(ADAPTER, tmp_path)


@pytest.mark.parametrize(
    "array", [np.zeros((17, 4), "f4"), np.zeros((16, 4), "f8"), np.zeros(64, "f4")], ids=["rows", "kind", "flat"]
)
def test_curves_of_another_table_are_refused(array: np.ndarray, tmp_path: Path) -> None:
    data = io.BytesIO()
    np.save(data, array)
    assert not _is_refused_or_read(TARGETS["cached learning curves"], data.getvalue(), tmp_path)


def test_control_characters_from_a_file_are_escaped_in_a_message() -> None:
    quoted = str(BenchmarkFileError("any.pth: holds '\x1b[2J\u202e\ud800'\nand goes on"))
    assert quoted == "any.pth: holds '\\x1b[2J\\u202e\\ud800'\nand goes on"


@pytest.mark.parametrize("gene", [str(2**70), "9" * 30, "1e30", "-1"])
def test_a_gene_larger_than_any_is_refused(gene: str, tmp_path: Path) -> None:
    space = CategoricalSpace("pairs", ("0123", "0123"), "{},{}")
    path = tmp_path / "own.csv"
    path.write_text(f"a,b,acc\n0,1,0.5\n{gene},1,0.5\n")
    benchmark = own_table("own", lambda: space, path, columns="acc", gene_columns=["a", "b"], missing=True)
    with pytest.raises(BenchmarkFileError, match=r"own\.csv: (a |cannot be read)"):
        benchmark.read(Import((path,), tmp_path))


def test_a_long_text_from_a_file_is_shortened_in_a_message() -> None:
    assert len(str(BenchmarkFileError("\x1b" * 1999))) <= 2000
    assert len(str(BenchmarkFileError("x" * 100_000 + "; download it again"))) <= 2000
    assert str(BenchmarkFileError("x" * 100_000 + "; download it again")).endswith("; download it again")
