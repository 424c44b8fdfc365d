"""The readers of benchmark files, each with small valid files to start from and with what it may answer."""

import base64
import bz2
import copy
import gzip
import io
import itertools
import json
import lzma
import pickle
import resource
import runpy
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import polars as pl
from lissnas import journal, subspace
from lissnas.categorical import CategoricalSpace
from lissnas.spaces.nasbench101 import nasbench101
from lissnas_benchmarks import (
    accel_nasbench,
    analog_nasbench,
    boosters,
    channel_bench_macro,
    hw_nas_bench,
    nas_bench_201,
    nas_bench_301,
    nas_bench_graph,
    nas_bench_macro,
    nats_bench,
    surrogate,
    table,
    transnas_bench,
)
from lissnas_benchmarks.benchmark import Import, OfficialFile
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.model_metrics import read_metrics
from lissnas_benchmarks.nas_bench_101 import describe
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.pickle_stream import PickleStream
from lissnas_benchmarks.plain_constructors import RefusedError
from lissnas_benchmarks.safe_load import load_pickle
from lissnas_benchmarks.small_files import read_small_files
from lissnas_benchmarks.table import Column, Source, Table, write_table

_HERE = Path(__file__).parent
_TESTS = _HERE.parent / "benchmarks"
mutations: Any = SimpleNamespace(**runpy.run_path(str(_HERE / "mutations.py")))
official_101: Any = SimpleNamespace(**runpy.run_path(str(_TESTS / "nas_bench_101_official.py")))
official_201: Any = SimpleNamespace(**runpy.run_path(str(_TESTS / "nas_bench_201_official.py")))

WRAPPED = b"\0"
"""An input that begins with it is the inside of a file, to be put into its container; any other is a whole file."""


def _same(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name
        What it reads.
    seeds
        Valid insides of files.
    read
        Reads a file; raises AssertionError if what comes back is not of the right kind.
    mutate
        The mutations that keep the shape of an inside.
    wrap
        Puts an inside into its container.
    suffix
        How its files end.
    whole
        Whether whole files are mutated too, and not only their insides.
    share
        Which share of the inputs it gets, where reading one takes long.
    space
        How much address space a read may ask for; how much memory it may touch is the same for all.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path], object]
    mutate: Any
    wrap: Callable[[bytes], bytes] = _same
    suffix: str = ".bin"
    whole: bool = True
    share: float = 1.0
    space: int = 512 << 20

    def inputs(self) -> list[bytes]:
        """Return the inputs to start from."""
        seeds = list(self.seeds())
        if self.wrap is _same:
            return seeds
        return [WRAPPED + seed for seed in seeds] + [self.wrap(seed) for seed in seeds if self.whole]

    def file(self, data: bytes) -> bytes:
        """Return the file that an input stands for."""
        return self.wrap(data[1:]) if self.wrap is not _same and data[:1] == WRAPPED else data


def _space(*genes: Sequence[str], pattern: str) -> CategoricalSpace:
    return CategoricalSpace("small", genes, pattern)


def _imported(read: Callable[[Import], Any]) -> Callable[[Path], object]:
    """Read as an import does, and check that what comes back is columns of numbers."""

    def run(path: Path) -> object:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            columns = read(Import((path,), Path(folder)))
            for column, values in columns.items():
                assert isinstance(column, Column)
                assert values.dtype == np.float64
            return len(columns)

    return run


def _patched(module: Any, name: str, value: Any, read: Callable[[Path], object]) -> Callable[[Path], object]:
    def run(path: Path) -> object:
        with patch.object(module, name, value):
            return read(path)

    return run


# Pickles

_RECORDS = frozenset({("their.module", "Cell")})
_CELL = (
    b"\x80\x04]ctheir.module\nCell\n)\x81}(X\x03\x00\x00\x00accG@V\x80\x00\x00\x00\x00\x00"
    b"X\x04\x00\x00\x00costK\x05uba."
)


def _pickled(value: Any, protocol: int) -> bytes:
    """Pickle with numpy's old name where that does not change the length of a frame."""
    data = pickle.dumps(value, protocol)
    return data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else data


def _plain_seeds() -> list[bytes]:
    values = [
        {7: {"perf": np.float64(0.5), "para": 3}, 8: {"perf": np.float64(0.25), "para": 2}},
        {(0, 1): OrderedDict(a=[1.5, None, True], b="ü"), 2**70: ((), "y", -1)},
        {"latency": np.arange(6.0), "matrix": np.arange(6, dtype=np.int16).reshape(2, 3)},
    ]
    return [_pickled(value, protocol) for value in values for protocol in (2, 3, 4)] + [_CELL]


def _read_plain(path: Path) -> object:
    value = load_pickle(path.read_bytes(), path.name, _RECORDS, arrays=True)
    _assert_plain(value)
    return type(value).__name__


def _assert_plain(value: Any) -> None:
    left, seen = [value], set()
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        name = type(part).__name__
        if isinstance(part, dict):
            left += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            left += part
        elif name == "Record":
            left += vars(part).values()
        elif name in ("Numbers", "FloatDict"):
            assert part.values.dtype.kind in "fiub"
        else:
            assert part is None or isinstance(part, int | float | str | bytes | bytearray), name


def _stream_seeds() -> list[bytes]:
    curve = {f"x-valid@{epoch}": epoch / 7 for epoch in range(8)}
    values = [
        [curve, dict(curve), dict(enumerate(curve.values())), OrderedDict(enumerate(curve.values()))],
        {"runs": [1, 2.5, None, "text"], "set": {1, 2}, "scale": np.float64(2), (1, "a"): b"bytes"},
    ]
    return [_pickled(value, protocol) for value in values for protocol in (2, 3, 4, 5)]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError("a class")


def _read_stream(path: Path) -> object:
    """Compare what is read with what pickle reads, where that needs no classes."""
    data = path.read_bytes()
    stream = PickleStream(io.BytesIO(data), path.name)
    value = stream.load()
    stream.check_ended()
    try:
        expected = _Unpickler(io.BytesIO(data)).load()
    except Exception:
        return "with classes, or damaged where it does not matter"
    assert repr(_as_dicts(value)) == repr(expected), "read otherwise than pickle reads it"
    return type(value).__name__


def _as_dicts(value: Any) -> Any:
    if type(value).__name__ == "FloatDict":
        return dict(zip(value.keys, value.values.tolist(), strict=True))
    if isinstance(value, dict):
        return {key: _as_dicts(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_as_dicts, value))
    return value


# The adapters that read pickles, on spaces of a few architectures

_TWO_CELLS = _space(("none", "nor_conv_3x3"), pattern="|{}~0|")
_LENGTHS = {"less": 2, "full": 8}


def _trained(lengths: dict[str, int]) -> list[Any]:
    """Lay out two architectures as NAS-Bench-201 does, with trainings of a few epochs."""
    rng = np.random.default_rng(0)
    strings = ["|nor_conv_3x3~0|", "|none~0|"]
    seeds = {"cifar10-valid": [777], "cifar100": [777]}
    trained = [
        {
            name: official_201.record(rng, index, string, epochs, copy.deepcopy(seeds), whole=epochs < 8)
            for name, epochs in lengths.items()
        }
        for index, string in enumerate(strings)
    ]
    frame = {"meta_archs": strings, "total_archs": 2, "evaluated_indexes": {0, 1}}
    return [frame | {"arch2infos": dict(enumerate(trained))}, trained[0], frame]


def _trained_seeds(lengths: dict[str, int]) -> list[bytes]:
    return [_pickled(_trained(lengths)[0], 2)]


def _read_201(path: Path) -> object:
    with patch.object(nas_bench_201, "LENGTHS", _LENGTHS):
        return _imported(nas_bench_201.reader(lambda: _TWO_CELLS))(path)


_PART = nats_bench.Part("any", lambda: _TWO_CELLS, {"02": 2, "08": 8})


def _read_nats_folder(path: Path) -> object:
    """Read the file as the first architecture of a folder."""
    with tempfile.TemporaryDirectory(dir=path.parent) as curves:
        folder = path.with_name("nats")
        folder.mkdir(exist_ok=True)
        (folder / "000000.pickle.pbz2").write_bytes(path.read_bytes())
        (folder / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(_trained(dict(_PART.lengths))[2], 4)))
        reading = nats_bench.Folder(folder, _PART, Import((folder,), Path(curves)))
        reading.read(0)
        reading.check_order()
        try:
            return len(reading.runs.columns())
        except RefusedError as error:  # `nats_bench.reader` turns it into this
            raise BenchmarkFileError(str(error)) from error


_FOUR_CELLS = _space(*(("none", "skip_connect"),) * 2, *(("none",),) * 4, pattern="|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|")


def _hw_seeds() -> list[bytes]:
    values = np.arange(_FOUR_CELLS.size) / 7
    strings = [{"arch_str": string} for string in _FOUR_CELLS.write(_FOUR_CELLS.all_rows())]
    of_sets = {
        dataset: {metric: form(values) for metric in hw_nas_bench._METRICS} | {"config": strings}
        for dataset, form in zip(hw_nas_bench._DATASETS, (list, np.array, np.ndarray.tolist), strict=True)
    }
    blocks = {metric: {"Skip_a": 0.5, "Conv_b": np.float64(1)} for metric in hw_nas_bench._METRICS}
    return [_pickled({"nasbench201": of_sets, "fbnet": blocks}, 3)]


def _read_hw(path: Path) -> object:
    with patch.object(hw_nas_bench, "cell201", lambda: _FOUR_CELLS):
        hw_nas_bench.read_fbnet(path)
        return _imported(hw_nas_bench.BENCHMARK.read)(path)


class _Written:
    """Pickles as an object of a class that is not here: a call of a name, then a state."""

    def __init__(self, name: str, **state: Any) -> None:
        self.name, self.state = name, state


class _AnalogPickler(pickle._Pickler):  # type: ignore[name-defined]
    def save(self, part: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(part, _Written):
            super().save(part, save_persistent_id)
            return
        self.write(f"canalognasbench.data\n{part.name}\n)\x81".encode("latin1"))
        super().save(part.state)
        self.write(b"b")


def _analog_seeds() -> list[bytes]:
    cells = {}
    for digits in itertools.product((0, 1), (0, 1), *[(1,)] * 4):
        drift = _Written("DriftMeasurement", value=80.5, uncertainty=0.25)
        of_cell: dict[str, Any] = dict.fromkeys(analog_nasbench._ACCURACIES.values(), 90.0)
        cells[digits] = _Written("Architecture", **of_cell, **dict.fromkeys(analog_nasbench._DRIFTS.values(), drift))
    target = io.BytesIO()
    _AnalogPickler(target, 2).dump(cells)
    return [target.getvalue()]


def _graph_space() -> Any:
    links = [tuple(link) for link in _links()]
    return nas_bench_graph._Encoding(links, ["gcn", "skip"]).space("small")


def _links() -> list[list[int]]:
    from nas_bench_graph.architecture import link_list

    return list(link_list)


_GRAPH: list[Any] = []


def _graph() -> Any:
    if not _GRAPH:
        _GRAPH.append(_graph_space())
    return _GRAPH[0]


def _graph_seeds() -> list[bytes]:
    space = _graph()
    digits = space.rows(np.arange(space.size)).astype(np.int64)
    digits[:, 1:] = np.array([1, 8])[digits[:, 1:]]  # the package's numbers of "gcn" and "skip"
    keys = (digits * 10 ** np.arange(4, -1, -1)).sum(axis=1).tolist()
    network = {"valid_perf": np.float64(0.5), "perf": np.float64(0.25), "latency": 0.001, "para": 1.5}
    return [_pickled({key: dict(network) for key in keys}, 3)]


def _read_graph(path: Path) -> object:
    encoding = nas_bench_graph._package
    names = {"gnn_list": "gnn_list", "gnn_list_proteins": "gnn_list"}

    def package(operations: str) -> Any:
        if operations == "gnn_list_proteins":
            return nas_bench_graph._Encoding(_links(), ["gcn", "skip"])
        return encoding(names[operations])

    with patch.object(nas_bench_graph, "_package", package):
        return _imported(nas_bench_graph._reader(_graph, ("cora",)))(path)


# TransNAS-Bench-101

_TWO_CHAINS = _space("01", pattern="64-{}1234-basic")


def _transnas_seeds() -> list[bytes]:
    metrics = {}
    for task, main in transnas_bench._MAIN.items():
        name = {"accuracy": "top1", "miou": "mIoU", "ssim": "ssim", "neg-loss": "neg_loss"}[main]
        metrics[task] = [f"{split}_{name}" for split in ("train", "valid", "test")] + ["time_elapsed"]
    information = dict.fromkeys(transnas_bench._INFORMATION, 0.5)
    results = {
        string: {
            task: {
                "total_epochs": 2,
                "model_info": dict(information),
                "metrics": {metric: [-0.5, -0.25] if "neg" in metric else [1.5, 2.5] for metric in names},
            }
            for task, names in metrics.items()
        }
        for string in _TWO_CHAINS.write(_TWO_CHAINS.all_rows())
    }
    return [pickle.dumps({"metrics_dict": metrics, "data": {"micro": results}}, 2)]


# NAS-Bench-101

_CELLS = nasbench101(3)


def _records() -> list[bytes]:
    evaluations = ((0.0, 0.0, 0.1, 0.1, 0.1), (2.0, 1.5, 0.4, 0.4, 0.4), (4.0, 3.0, 0.8, 0.8, 0.8))
    metrics = official_101.model_metrics(evaluations, 1000, 4.0)
    cells = _CELLS.write(_CELLS.all_rows())
    return [
        b"\n".join(
            official_101.record(f"{place:032x}", 4, cell, metrics) for place, cell in enumerate(cells) for _ in range(3)
        )
    ]


def _framed(data: bytes) -> bytes:
    return b"".join(map(official_101.frame, data.split(b"\n")))


_CELLS_BENCHMARK = describe("cells", OfficialFile("cells.tfrecord"), (4,), 3)


def _read_metrics(path: Path) -> object:
    """Read messages, a line of base 64 each; a ValueError is what its only caller expects."""
    messages = []
    for line in path.read_bytes().split(b"\n"):
        try:
            messages.append(base64.b64decode(line))
        except ValueError:
            messages.append(line)
    try:
        numbers = read_metrics(messages)
    except ValueError:
        return "refused"
    assert numbers.shape == (len(messages), 16)
    return "read"


def _messages() -> list[bytes]:
    records = [json.loads(line)[4].encode() for line in _records()[0].split(b"\n")]
    return [b"\n".join(base64.b64encode(base64.decodebytes(record)) for record in records[:2])]


def _mutate_messages(data: bytes, rng: Any) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    try:
        lines[place] = base64.b64encode(mutations.octets(base64.b64decode(lines[place]), rng))
    except ValueError:
        return mutations.octets(data, rng)
    return b"\n".join(lines)


# JSON

_CHAINS = _space("012", "012", pattern="{}{}")


def _chain_seeds(accuracies: str, mean: str) -> list[bytes]:
    network = {accuracies: [90.0, 91.0, 92.0], mean: 91.0, "params": 3, "flops": 4}
    return [json.dumps(dict.fromkeys(_CHAINS.write(_CHAINS.all_rows()), network)).encode()]


def _results() -> list[bytes]:
    choices = accel_nasbench.accel_mnasnet().operations
    architecture: dict[str, Any] = {
        name: bool(int(names[0])) if name.endswith("se") else int(names[0])
        for name, names in zip(accel_nasbench._GENES, choices, strict=True)
    }
    metrics = {"val_top1": 70.5, "val_top5": 90.5, "train_time": 1000.0, "macs": 300, "params": 4}
    performance = {name: {f"{name.split('_')[0]}_mean": 5.5} for name in accel_nasbench._COSTS if "_" in name}
    result = {"architecture": architecture, "metrics": metrics, "platform_perf": performance}
    return [json.dumps(result).encode() + b"\n" + json.dumps(result | {"platform_perf": {}}).encode()]


def _small_tar(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for number, text in enumerate(data.split(b"\n"), 1):
            entry = tarfile.TarInfo(f"json/result_{number}.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return target.getvalue()


def _small_zip(data: bytes, kind: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", kind) as archive:
        for number, text in enumerate(data.split(b"\n"), 1):
            archive.writestr(f"json/result_{number}.json", text)
    return target.getvalue()


def _archives() -> list[bytes]:
    [results] = _results()
    text = results[:300]
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    tar = _small_tar(text)
    pax = io.BytesIO()
    with tarfile.open(fileobj=pax, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("json/ü" + "x" * 120 + "/result_1.json")
        entry.size, entry.pax_headers = 3, {"GNU.sparse.map": "0,3", "comment": "x"}
        archive.addfile(entry, io.BytesIO(b"{}\n"))
    gnu = io.BytesIO()
    with tarfile.open(fileobj=gnu, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo("json/" + "x" * 120 + "/result_1.json")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"{}\n"))
    tars = [tar, pax.getvalue(), gnu.getvalue()]
    packed = [pack(tar) for pack in (gzip.compress, bz2.compress, lzma.compress)]
    return [*tars, *packed, *(_small_zip(text, kind) for kind in kinds)]


def _read_archive(path: Path) -> object:
    count = 0
    for name, data in read_small_files(path, r"result_\d+\.json"):
        assert "/" not in name
        assert len(data) <= 1 << 16
        count += 1
    return min(count, 3)


# Tables

_POLARS = 8 << 30
"""Polars asks for as much as a page of a Parquet file says that it has, 2 GiB at most, before it finds it has not."""

_PAIRS = _space("0123", "0123", pattern="{},{}")


def _frame() -> pl.DataFrame:
    rows = _PAIRS.all_rows()
    names = {"a": rows[:, 0].astype(np.int64), "b": rows[:, 1].astype(np.int64), "string": _PAIRS.write(rows)}
    return pl.DataFrame(names | {"acc": np.arange(16) / 3, "count": np.arange(16)})


def _parquets(frame: pl.DataFrame) -> list[bytes]:
    files = []
    for options in (
        {"compression": "uncompressed"},
        {"compression": "zstd"},
        {"compression": "snappy", "row_group_size": 4},
    ):
        target = io.BytesIO()
        frame.write_parquet(target, **options)  # type: ignore[arg-type]
        files.append(target.getvalue())
    return files


def _read_own(path: Path) -> object:
    """Read once by genes and once by strings: the first's error stands if only it has one."""
    by_genes = own_table("own", lambda: _PAIRS, path, columns=["acc", "count"], gene_columns=["a", "b"])
    by_strings = own_table("own", lambda: _PAIRS, path, columns=["acc"], string_column="string", sampled=True)
    try:
        _imported(by_genes.read)(path)
    finally:
        assert by_strings.index is not None
        by_strings.index(Import((path,), path.parent))
        _imported(by_strings.read)(path)
    return "read"


def _accel_frame() -> pl.DataFrame:
    rows = []
    for line in _results()[0].split(b"\n"):
        result = json.loads(line)
        costs = {name: of.get(f"{name.split('_')[0]}_mean") for name, of in result["platform_perf"].items()}
        rows.append({**result["architecture"], **result["metrics"], **costs})
    return pl.DataFrame(rows)


def _csv(frame: pl.DataFrame) -> list[bytes]:
    return [frame.write_csv().encode()]


def _read_accel(path: Path) -> object:
    index = accel_nasbench.BENCHMARK.index
    assert index is not None
    index(Import((path,), path.parent))
    return _imported(accel_nasbench.BENCHMARK.read)(path)


_COLUMNS = {
    Column("accuracy", "d", "test", "%", epochs=4, seed=1): np.arange(16) / 3,
    Column("latency", "d", "", "ms", quality=False): np.full(16, np.nan),
}


def _cached_tables() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        whole, sampled = Path(folder) / "whole.parquet", Path(folder) / "sampled.parquet"
        source = Source("small", "nowhere", "none", {"file": "00"})
        write_table(whole, _PAIRS, _COLUMNS, source)
        few = {column: values[:4] for column, values in _COLUMNS.items()}
        write_table(sampled, _PAIRS, few, source, index=np.array([1, 3, 5, 7]))
        return [whole.read_bytes(), sampled.read_bytes()]


def _read_table(path: Path) -> object:
    table.read_format(path)
    opened = Table(path, lambda: _PAIRS)
    opened.verify()
    for column in opened.columns:
        values = opened.values(table.Measure(column.metric, column.split), column.dataset)
        assert values.shape == opened.index.shape
    return len(opened.columns)


def _curves() -> list[bytes]:
    target = io.BytesIO()
    np.save(target, np.zeros((16, 4), dtype=np.float32))
    return [target.getvalue()]


def _read_curve(path: Path) -> object:
    column = next(iter(_COLUMNS))
    place = path.with_name("curved.parquet")
    if not place.exists():
        write_table(place, _PAIRS, _COLUMNS, Source("small", "nowhere", "none", {}))
    folder = place.with_suffix("")
    folder.mkdir(exist_ok=True)
    (folder / table.curve_file(column)).write_bytes(path.read_bytes())
    curve = Table(place, lambda: _PAIRS).curve(column)
    assert curve.dtype == np.float32
    assert len(curve) == 16
    return curve.shape


def _subspaces() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.parquet"
        subspace.save(subspace.ExplicitSubspace(_PAIRS, np.array([0, 1, 9])), path, {"method": "any"})
        return [path.read_bytes()]


def _read_subspace(path: Path) -> object:
    found, provenance = subspace.load(path, _PAIRS)
    assert isinstance(provenance, dict)
    assert 0 <= found.size <= _PAIRS.size
    return found.size


def _descriptions() -> list[bytes]:
    described = surrogate.Description(
        1, "nas-bench-301", "page", "none", {"accuracy": ("accuracy-0.ubj",)}, {"accuracy-0.ubj": "00"}, {"a": "00"}
    )
    return [msgspec.json.encode(described)]


def _read_description(path: Path) -> object:
    (path.parent / "surrogate.json").write_bytes(path.read_bytes())
    surrogate.read_description(path.parent)
    surrogate.open_folder(nas_bench_301.SURROGATE, path.parent)
    return "read"


def _read_settings(path: Path) -> object:
    return type(nas_bench_301._kind(path)).__name__


# Boosters

_GOLDEN = _TESTS / "nas_bench_301"
_MEMBERS = {
    "xgboost": _GOLDEN / "xgb_v1.0" / "ensemble_member_0" / "surrogate_model.model",
    "lightgbm": _GOLDEN / "lgb_runtime_v1.0" / "ensemble_member_0" / "surrogate_model.model",
}


def _handle(library: Any) -> bytes:
    state = boosters._read_state(_MEMBERS[library], library)
    handle = state.get("_handle", state.get("handle"))
    return handle.encode() if isinstance(handle, str) else bytes(handle)


def _of_xgboost(data: bytes) -> bytes:
    return b"\x80\x04cxgboost.core\nBooster\n)\x81" + pickle.dumps({"handle": data}, 4)[2:-1] + b"b."


def _of_lightgbm(data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return b"\x80\x04clightgbm.basic\nBooster\n)\x81" + pickle.dumps({"handle": text}, 4)[2:-1] + b"b."


class _Child:
    """The process that converts boosters; started again after it died, which is what the reader promises to survive."""

    def __init__(self, library: str) -> None:
        self._library = library
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> object:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(_HERE / "boosters_child.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                preexec_fn=_unlimited,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._library}\t{path}\t{path}.converted\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer is None:
            raise BenchmarkFileError(f"{self._library} crashed on it, or found no end, in its own process")
        if answer.startswith("refused: "):
            raise BenchmarkFileError(answer)
        assert answer == "converted", answer
        assert self._answer() == "predicted", "what was converted cannot be used to predict"
        return "converted"

    def _answer(self) -> str | None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("answer: "):
                return line.removeprefix("answer: ").strip()
        self._process.wait()
        return None


def _unlimited() -> None:
    """Let the child set its own limits, not those of the fuzzing process."""
    soft = min(1 << 34, resource.getrlimit(resource.RLIMIT_AS)[1])
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _journals() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        written = journal.Journal(path, {"seed": 1})
        written.record(np.array([3, 5]), np.array([0.5, np.nan]))
        written.record(np.array([7]), np.array([1.5]))
        return [path.read_bytes()]


def _read_journal(path: Path) -> object:
    scores = journal.Journal(path, {"seed": 1}).replay(np.array([3, 5, 7, 9]))
    assert len(scores) <= 4
    return len(scores)


def _transnas(path: Path) -> object:
    return _imported(transnas_bench._reader("small", "micro", lambda: _TWO_CHAINS))(path)


def _legacy(data: bytes) -> bytes:
    return bytes(official_201.legacy(data))


def _zipped(data: bytes) -> bytes:
    return bytes(official_201.archive(data))


def _chains(module: Any, space: str, benchmark: Any) -> Callable[[Path], object]:
    return _patched(module, space, lambda: _CHAINS, _imported(benchmark.read))


_m = mutations
TARGETS = {
    target.name: target
    for target in (
        Target("plain pickle", _plain_seeds, _read_plain, _m.pickles),
        Target("pickle stream, float dicts", _stream_seeds, _read_stream, _m.pickles),
        Target(
            "AnalogNAS-Bench pickle",
            _analog_seeds,
            _patched(analog_nasbench, "cell201", lambda: _FOUR_CELLS, _imported(analog_nasbench.BENCHMARK.read)),
            _m.pickles,
        ),
        Target("NAS-Bench-Graph pickle", _graph_seeds, _read_graph, _m.pickles),
        Target("HW-NAS-Bench pickle", _hw_seeds, _read_hw, _m.pickles),
        Target(
            "NAS-Bench-201 legacy .pth",
            lambda: _trained_seeds(_LENGTHS),
            _read_201,
            _m.pickles,
            _legacy,
            ".pth",
            share=0.2,
        ),
        Target(
            "NAS-Bench-201 zip .pth",
            lambda: _trained_seeds(_LENGTHS),
            _read_201,
            _m.pickles,
            _zipped,
            ".pth",
            share=0.2,
        ),
        Target(
            "NATS-Bench packed",
            lambda: _trained_seeds(dict(_PART.lengths)),
            _imported(nats_bench.reader(_PART, "get it again")),
            _m.pickles,
            bz2.compress,
            share=0.2,
        ),
        Target(
            "NATS-Bench folder",
            lambda: [pickle.dumps(_trained(dict(_PART.lengths))[1], 4)],
            _read_nats_folder,
            _m.pickles,
            bz2.compress,
            share=0.2,
        ),
        Target("TransNAS-Bench-101 .pth", _transnas_seeds, _transnas, _m.pickles, _legacy, ".pth", share=0.2),
        Target("NAS-Bench-101 tfrecord", _records, _imported(_CELLS_BENCHMARK.read), _m.records, _framed, share=0.2),
        Target("NAS-Bench-101 metrics", _messages, _read_metrics, _mutate_messages),
        Target(
            "NAS-Bench-Macro JSON",
            lambda: _chain_seeds("test_acc", "mean_acc"),
            _chains(nas_bench_macro, "macro", nas_bench_macro.BENCHMARK),
            _m.json_texts,
        ),
        Target(
            "Channel-Bench-Macro JSON",
            lambda: _chain_seeds("acc", "mean"),
            _chains(channel_bench_macro, "channel_macro", channel_bench_macro.BENCHMARK),
            _m.json_texts,
        ),
        Target(
            "Accel-NASBench JSON archive",
            _results,
            _read_accel,
            _m.json_texts,
            lambda data: gzip.compress(_small_tar(data), 1),
            ".gz",
        ),
        Target("archives of small files", _archives, _read_archive, _m.octets),
        Target("Accel-NASBench CSV", lambda: _csv(_accel_frame()), _read_accel, _m.lines, suffix=".csv"),
        Target(
            "Accel-NASBench Parquet",
            lambda: _parquets(_accel_frame()),
            _read_accel,
            _m.parquets,
            suffix=".parquet",
            space=_POLARS,
        ),
        Target("own CSV table", lambda: _csv(_frame()), _read_own, _m.lines, suffix=".csv"),
        Target(
            "own Parquet table", lambda: _parquets(_frame()), _read_own, _m.parquets, suffix=".parquet", space=_POLARS
        ),
        Target("cached Parquet table", _cached_tables, _read_table, _m.parquets, suffix=".parquet", space=_POLARS),
        Target("cached learning curves", _curves, _read_curve, _m.octets, suffix=".npy"),
        Target("saved subspace", _subspaces, _read_subspace, _m.parquets, suffix=".parquet", space=_POLARS),
        Target("journal", _journals, _read_journal, _m.json_texts),
        Target("surrogate's description", _descriptions, _read_description, _m.json_texts),
        Target("surrogate's settings", lambda: [b'{"model": "xgb"}'], _read_settings, _m.json_texts),
        Target(
            "XGBoost booster",
            lambda: [_handle("xgboost")],
            _Child("xgboost").read,
            _m.octets,
            _of_xgboost,
            whole=False,
            share=0.1,
        ),
        Target(
            "LightGBM booster",
            lambda: [_handle("lightgbm")],
            _Child("lightgbm").read,
            _m.trees,
            _of_lightgbm,
            whole=False,
            share=0.1,
        ),
    )
}
