"""NATS-Bench: real records against the official program, and complete folders and files in the official layout."""

import bz2
import pickle
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nas_bench_201_official as official
import numpy as np
import pytest
from lissnas.spaces.categorical import CategoricalSpace
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.nats_bench import (
    SIZE,
    SIZE_SPACE,
    TOPOLOGY,
    TOPOLOGY_SPACE,
    ArchitectureFolder,
    NatsSpace,
    reader,
)
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import curve_file

REAL = (0, 11, 284)
SPACES = {"topology": TOPOLOGY_SPACE, "size": SIZE_SPACE}
SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"ori-test": "validation+test", "x-valid": "validation", "x-test": "test"},
    "ImageNet16-120": {"ori-test": "validation+test", "x-valid": "validation", "x-test": "test"},
}
UNITS = {"accuracy": "%", "loss": "nats", "training-time": "s", "evaluation-time": "s"}


def _column(metric: str, dataset: str, split: str, epochs: int, seed: int) -> Column:
    return Column(metric, dataset, split, UNITS[metric], epochs, seed, quality=metric == "accuracy")


class Real:
    """The three real records of one space."""

    def __init__(self, nats_space: NatsSpace, data: Path, curves: Path) -> None:
        self.nats_space, self.curves = nats_space, curves
        self.path = data / "nats_real" / f"{nats_space.file}-simple"
        folder = ArchitectureFolder(self.path, nats_space, Import((self.path,), curves))
        for index in REAL:
            folder.read(index)
        folder.check_order()
        self.columns, self.runs = folder.runs.columns(), folder.runs

    def row(self, index: int) -> int:
        return int(np.flatnonzero(self.runs.official == index)[0])

    def curve(self, column: Column, index: int) -> np.ndarray:
        return np.load(self.curves / curve_file(column), mmap_mode="r")[self.row(index)]


@pytest.fixture(scope="module")
def reals(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Real]:
    return {name: Real(nats_space, shared_data, tmp_path_factory.mktemp(name)) for name, nats_space in SPACES.items()}


@pytest.fixture(params=SPACES)
def real(request: pytest.FixtureRequest, reals: dict[str, Real]) -> Real:
    return reals[request.param]


# Real records


def test_every_number_of_a_real_record_is_in_the_columns_and_curves(real: Real) -> None:
    compared = 0
    for index in REAL:
        row = real.row(index)
        for epochs, training in pickle.loads(
            bz2.decompress((real.path / f"{index:06d}.pickle.pbz2").read_bytes())
        ).items():
            for (dataset, seed), run in training["all_results"].items():
                sets = {
                    "accuracy": run["eval_acc1es"],
                    "loss": run["eval_losses"],
                    "evaluation-time": run["eval_times"],
                }
                trained = {
                    "accuracy": run["train_acc1es"],
                    "loss": run["train_losses"],
                    "training-time": run["train_times"],
                }
                for metric in UNITS:
                    by_split = {"train": trained[metric]} if metric in trained else {}
                    for name, split in SPLITS[dataset].items() if metric in sets else ():
                        keys = {int(key.split("@")[1]): key for key in sets[metric] if key.startswith(name + "@")}
                        by_split[split] = {epoch: sets[metric][keys[epoch]] for epoch in sorted(keys)}
                    for split, numbers in by_split.items():
                        column = _column(metric, dataset, split, int(epochs), seed)
                        found = real.columns[column][row]
                        if metric in ("accuracy", "loss"):
                            assert found == numbers[int(epochs) - 1]
                            if len(numbers) == int(epochs) > 1:
                                expected = np.array(list(numbers.values()), dtype=np.float32)
                                np.testing.assert_array_equal(real.curve(column, index), expected)
                        else:
                            assert found == pytest.approx(sum(numbers.values()), rel=1e-12)
                        compared += 1
    assert compared > 400


@pytest.mark.parametrize(("name", "epochs", "expected"), [("topology", 200, 62.140), ("size", 90, 62.700)])
def test_a_published_accuracy_is_in_the_table(reals: dict[str, Real], name: str, epochs: int, expected: float) -> None:
    columns, row = reals[name].columns, reals[name].row(284)
    of_seeds = [
        values[row]
        for column, values in columns.items()
        if (column.metric, column.dataset, column.split, column.epochs) == ("accuracy", "cifar100", "test", epochs)
    ]
    assert np.nanmean(of_seeds) == pytest.approx(expected, abs=5e-4)


OFFICIAL = {"train": "train", "valid": "validation", "test": "test", "valtest": "validation+test"}


@pytest.mark.parametrize("name", SPACES)
def test_the_official_program_gives_the_same(reals: dict[str, Real], name: str) -> None:
    nats_bench = pytest.importorskip("nats_bench")
    real = reals[name]
    program = nats_bench.create(str(real.path), name, fast_mode=True, verbose=False)
    for index in REAL:
        row = real.row(index)
        assert (
            program.arch(index) == real.nats_space.space().write(real.nats_space.space().all_rows()[row : row + 1])[0]
        )
        for length, epochs in real.nats_space.lengths.items():
            for dataset in SPLITS:
                runs = program.query_by_index(index, dataset, length)
                for chosen in (*runs, False):
                    info = program.get_more_info(index, dataset, hp=length, is_random=chosen)
                    averaged = list(runs) if chosen is False else [chosen]
                    for key, split in OFFICIAL.items():
                        time = "training-time" if split == "train" else "evaluation-time"
                        for metric, of in (("accuracy", "accuracy"), ("loss", "loss"), (time, "all-time")):
                            if f"{key}-{of}" in info:
                                columns = [_column(metric, dataset, split, epochs, seed) for seed in averaged]
                                mean = np.mean([real.columns[column][row] for column in columns])
                                assert mean == pytest.approx(info[f"{key}-{of}"], rel=1e-12)
                for seed, run in runs.items() if epochs > 1 else ():
                    curve = real.curve(_column("accuracy", dataset, "train", epochs, seed), index)
                    expected = [run.get_train(epoch)["accuracy"] for epoch in range(epochs)]
                    np.testing.assert_array_equal(curve, np.array(expected, dtype=np.float32))
        for dataset in SPLITS:
            cost = program.get_cost_info(index, dataset, hp=list(real.nats_space.lengths)[-1])
            for metric, unit, of, factor in (
                ("parameters", "M", "params", 1),
                ("flops", "M", "flops", 1),
                ("latency", "ms", "latency", 1000),
            ):
                found = real.columns[Column(metric, dataset, "", unit, quality=False)][row]
                assert found == pytest.approx(factor * cost[of], rel=1e-12)


@pytest.mark.parametrize(("benchmark", "count"), [(TOPOLOGY, "15,622 of 15,625"), (SIZE, "32,765 of 32,768")])
def test_a_folder_of_three_records_is_refused_with_the_first_missing_one(
    shared_data: Path, tmp_path: Path, benchmark: Any, count: str
) -> None:
    path = shared_data / "nats_real" / benchmark.files[0].name
    with pytest.raises(
        BenchmarkFileError, match=rf"{count} .*missing \(first: 000001\.pickle\.pbz2\).*lissnas data import"
    ):
        benchmark.read(Import((path,), tmp_path))


# Complete folders and files


def few() -> CategoricalSpace:
    """Eight cells, written as officially."""
    operations = (("none",),) * 3 + (("none", "nor_conv_3x3"),) * 3
    return CategoricalSpace("eight cells", operations, "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|")


FEW = replace(TOPOLOGY_SPACE, space=few)
SMALL = replace(TOPOLOGY, space=few, read=reader(FEW, "get it again"))


def _pack(value: Any) -> bytes:
    return bz2.compress(pickle.dumps(value, 4), 1)


@pytest.fixture(scope="module")
def infos() -> dict[str, Any]:
    """What is known of eight cells."""
    content = official.official(official.shuffled_strings(few()), range(8))
    infos = {
        index: OrderedDict({"12": trainings["less"], "200": trainings["full"]})
        for index, trainings in content["arch2infos"].items()
    }
    return content | {"arch2infos": infos}


@pytest.fixture(scope="module")
def folder(infos: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nats") / SMALL.files[0].name
    path.mkdir()
    for index, trainings in infos["arch2infos"].items():
        (path / f"{index:06d}.pickle.pbz2").write_bytes(_pack(trainings))
    (path / "meta.pickle.pbz2").write_bytes(_pack(infos | {"arch2infos": None, "evaluated_indexes": set()}))
    return path


@pytest.fixture(scope="module")
def packed(infos: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nats") / f"{TOPOLOGY_SPACE.file}.pickle.pbz2"
    path.write_bytes(_pack(infos))
    return path


@pytest.fixture
def import_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Table]:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    return lambda path: Table(import_files(SMALL, (path,)), few)


def test_a_folder_and_a_single_file_give_the_same_table_and_curves(
    import_: Callable[[Path], Table], folder: Path, packed: Path
) -> None:
    tables = [import_(path).provenance for path in (folder, packed)]
    assert tables[0].columns == tables[1].columns
    assert tables[0].checksums == tables[1].checksums
    assert tables[0].curves == tables[1].curves


def test_the_selecting_and_the_reporting_measure_are_on_every_data_set(
    import_: Callable[[Path], Table], folder: Path
) -> None:
    table = import_(folder)
    for dataset in table.datasets:
        for measure in (TOPOLOGY.selects, TOPOLOGY.reports):
            assert len(np.unique(table.values(measure, dataset))) == 8
    assert table.datasets[0] == "cifar10"


def test_progress_ends_at_1(folder: Path, packed: Path, tmp_path: Path) -> None:
    for path in (folder, packed):
        shares: list[float] = []
        SMALL.read(Import((path,), tmp_path, shares.append))
        assert shares == sorted(shares)
        assert shares[-1] == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _write(value: Any) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(value if isinstance(value, bytes) else _pack(value))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("000003", Path.unlink, r"1 of 8 .*first: 000003\.pickle\.pbz2"),
        ("000003", _cut, "000003.*cut short or damaged"),
        ("000003", _write(b""), "000003.*cut short"),
        ("000003", _write(b"hello"), "000003.*cut short or damaged"),
        ("000003", _write({}), "000003.*lacks one of 12, 200 of architecture 3"),
        ("000003", lambda path: shutil.copy(path.with_name("000002.pickle.pbz2"), path), "twice"),
        ("000003", _write(bz2.compress(bytes(50_000_000))), "opcode 0x0"),
        ("000003", _write(bz2.compress(b"\x80\x02Nr" + (10**8).to_bytes(4, "little") + b".")), "lacks one of"),
        (
            "000003",
            _write(bz2.compress(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.")),
            r"posix\.system is not on",
        ),
        ("meta", Path.unlink, "meta.*missing"),
        ("meta", _write({"meta_archs": ["|none~0|"]}), "does not list the 8 architectures"),
        ("meta", _write([]), "meta_archs, is missing"),
    ],
)
def test_a_damaged_folder_is_refused_by_the_file_that_is_wrong(
    folder: Path, tmp_path: Path, name: str, damage: Callable[[Path], Any], message: str
) -> None:
    path = tmp_path / "folder"
    shutil.copytree(folder, path)
    damage(path / f"{name}.pickle.pbz2")
    with pytest.raises(BenchmarkFileError, match=f"(?s){message}.*; get it again"):
        SMALL.read(Import((path,), tmp_path))


@pytest.mark.parametrize("damage", [_cut, _write(b""), _write([1]), _write(b"PK\x03\x04")])
def test_a_damaged_single_file_is_refused(packed: Path, tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    path = tmp_path / packed.name
    shutil.copy(packed, path)
    damage(path)
    with pytest.raises(BenchmarkFileError, match=f"{packed.name}: .*; get it again"):
        SMALL.read(Import((path,), tmp_path))


def test_both_spaces_say_how_to_get_their_files() -> None:
    for benchmark in (TOPOLOGY, SIZE):
        assert f"lissnas data import {benchmark.name} {benchmark.files[0].name}" in benchmark.remedy
        assert benchmark.selects == Measure("accuracy", "validation", epochs=benchmark.reports.epochs)
