"""The files that lissnas writes and reads."""

import io
import tempfile
from pathlib import Path

import msgspec
import mutations
import numpy as np
from lissnas.evaluation import journal
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces import subspace_file
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks import table_file
from lissnas_benchmarks.adapters import nas_bench_301
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.surrogates import surrogate
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, write_table

from targets.target import Target
from targets.user_tables import PAIRS, POLARS

_COLUMNS = {
    Column("accuracy", "d", "test", "%", epochs=4, seed=1): np.arange(16) / 3,
    Column("latency", "d", "", "ms", quality=False): np.full(16, np.nan),
}


def _cached_tables() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        complete, sampled = Path(folder) / "complete.parquet", Path(folder) / "sampled.parquet"
        source = Source("small", "nowhere", "none", {"file": "00"})
        write_table(complete, PAIRS, _COLUMNS, source)
        few = {column: values[:4] for column, values in _COLUMNS.items()}
        write_table(sampled, PAIRS, few, source, index=np.array([1, 3, 5, 7]))
        return [complete.read_bytes(), sampled.read_bytes()]


def _read_table(path: Path) -> object:
    table_file.read_format(path)
    opened = Table(path, lambda: PAIRS)
    opened.verify()
    for column in opened.columns:
        values = opened.values(Measure(column.metric, column.split), column.dataset)
        assert values.shape == opened.index.shape
    return len(opened.columns)


def _curves() -> list[bytes]:
    target = io.BytesIO()
    np.save(target, np.zeros((16, 4), dtype=np.float32))
    return [target.getvalue()]


def _read_curve(path: Path) -> object:
    column = next(iter(_COLUMNS))
    place = path.with_name("curved.parquet")
    folder = place.with_suffix("")
    folder.mkdir(exist_ok=True)
    name = table_file.curve_file(column)
    (folder / name).write_bytes(path.read_bytes())
    curves = {name: table_file.file_checksum(folder / name)}
    write_table(place, PAIRS, _COLUMNS, Source("small", "nowhere", "none", {}), curves=curves)
    curve = Table(place, lambda: PAIRS).curve(column)
    assert curve.dtype == np.float32
    assert len(curve) == 16
    return curve.shape


def _subspaces() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.parquet"
        subspace_file.save(ExplicitSubspace(PAIRS, np.array([0, 1, 9])), path, {"method": "any"})
        return [path.read_bytes()]


def _read_subspace(path: Path) -> object:
    found, provenance = subspace_file.load(path, PAIRS)
    assert isinstance(provenance, dict)
    assert 0 <= found.size <= PAIRS.size
    return found.size


def _journals() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        written = journal.Journal(path, RunIdentity(seed=1))
        written.record(np.array([3, 5]), np.array([0.5, np.nan]))
        written.record(np.array([7]), np.array([1.5]))
        return [path.read_bytes()]


def _read_journal(path: Path) -> object:
    scores = journal.Journal(path, RunIdentity(seed=1)).replay(np.array([3, 5, 7, 9]))
    assert len(scores) <= 4
    return len(scores)


def _descriptions() -> list[bytes]:
    described = surrogate.Description(
        1, "nas-bench-301", "page", "none", {"accuracy": ("accuracy-0.ubj",)}, {"accuracy-0.ubj": "00"}, {"a": "00"}
    )
    return [msgspec.json.encode(described)]


def _read_description(path: Path) -> object:
    (path.parent / "surrogate.json").write_bytes(path.read_bytes())
    surrogate.read_description(path.parent)
    surrogate.open_folder(nas_bench_301.ADAPTER, path.parent)
    return "read"


def _read_settings(path: Path) -> object:
    return type(nas_bench_301._kind(path)).__name__


TARGETS = (
    Target(
        "cached Parquet table",
        _cached_tables,
        _read_table,
        mutations.parquets,
        suffix=".parquet",
        share=0.05,
        space=POLARS,
    ),
    Target("cached learning curves", _curves, _read_curve, mutations.octets, suffix=".npy"),
    Target(
        "saved subspace", _subspaces, _read_subspace, mutations.parquets, suffix=".parquet", share=0.05, space=POLARS
    ),
    Target("journal", _journals, _read_journal, mutations.json_texts),
    Target("surrogate's description", _descriptions, _read_description, mutations.json_texts),
    Target("surrogate's settings", lambda: [b'{"model": "xgb"}'], _read_settings, mutations.json_texts),
)
