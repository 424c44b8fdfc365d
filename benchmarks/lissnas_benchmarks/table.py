"""Table: the columnar form that every tabular benchmark becomes, in one Parquet file.

A row of the file is an architecture, in the order of the space's index; a column is one measurement of all of them.
Which measurement, and where the numbers came from, stands in the file's metadata.
"""

import io
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import polars as pl
from lissnas.errors import SettingError, UnknownNameError
from lissnas.spaces.space import Floats, Indices, Space
from lissnas.storage.atomic_write import atomic_write
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError

FORMAT = 2
"""The version of the file's layout; a file of another version is made again."""


_INDEX = "index"
"""The column of a sampled table that says which architecture a row is."""

Described = TypeVar("Described")


@dataclass(frozen=True)
class Column:
    """One measurement of every architecture.

    Attributes
    ----------
    metric
        What was measured: "accuracy", "latency", ...
    dataset
        On which data.
    split
        On which part of it: "validation", "test"; "" where that means nothing.
    unit
        "%", "ms", "M", ...
    epochs
        After how many epochs of training; None where the source does not say.
    seed
        Of which training run; None where the source gives one value only.
    quality
        Whether more is better, so that networks may be ranked by it.
    """

    metric: str
    dataset: str
    split: str
    unit: str
    epochs: int | None = None
    seed: int | None = None
    quality: bool = True

    @property
    def name(self) -> str:
        """The column's name in the file."""
        parts = (self.metric, self.dataset, self.split, self.epochs, self.seed)
        return "/".join(str(part) for part in parts if part not in ("", None))


@dataclass(frozen=True)
class Measure:
    """Which columns answer a question.

    Attributes
    ----------
    metric, split
        As in `Column`.
    seeds
        The mean over these training runs, or over all that an architecture has if None.
    epochs
        After how many epochs; None where the benchmark has one number only.
    """

    metric: str
    split: str
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None

    def describe(self) -> str:
        """Return the measure in words: 'test accuracy, mean of seeds 1, 2'."""
        if self.seeds is None:
            seeds = ""
        elif len(self.seeds) == 1:
            seeds = f", seed {self.seeds[0]}"
        else:
            seeds = f", mean of seeds {', '.join(map(str, self.seeds))}"
        epochs = "" if self.epochs is None else f" after {self.epochs} epochs"
        return f"{self.split} {self.metric}{epochs}{seeds}".strip()


@dataclass(frozen=True)
class Source:
    """Where a table's numbers came from: the benchmark, its page and license, and the SHA-256 of each official file."""

    benchmark: str
    page: str
    license: str
    files: dict[str, str]


@dataclass(frozen=True)
class Provenance:
    """What a table's file says of itself.

    Attributes
    ----------
    checksums
        The CRC-32 of each column's values, in the order of the columns.
    index
        The CRC-32 of a sampled table's places in the space; None of any other.
    curves
        The CRC-32 of each file of learning curves, by its name.
    """

    format: int
    space: str
    size: int
    columns: tuple[Column, ...]
    checksums: tuple[int, ...]
    index: int | None
    curves: dict[str, int]
    source: Source


class Table:
    """A space with measured columns, read lazily from its Parquet file.

    Parameters
    ----------
    path
        The file.
    space
        Makes the space whose index orders its rows, when it is first asked for.

    Raises
    ------
    BenchmarkFileError
        If the file is not such a table.
    """

    def __init__(self, path: Path, space: Callable[[], Space]) -> None:
        self.path = path
        self._make_space = space
        self.provenance = read_provenance(path)
        self.columns = self.provenance.columns

    @cached_property
    def space(self) -> Space:
        """The space whose index orders the rows."""
        return self._make_space()

    @cached_property
    def index(self) -> Indices:
        """The places in the space of the table's architectures, ascending; all places but in a sampled table."""
        if self.complete:
            return np.arange(self.provenance.size, dtype=np.int64)
        index = self._collect([_INDEX])[_INDEX].to_numpy()
        if _checksum(index) != self.provenance.index:
            raise _damaged(self.path, "the architectures were altered")
        return index

    @property
    def complete(self) -> bool:
        """Whether there is a row for every architecture of the space."""
        return self.provenance.index is None

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets, in the source's order."""
        return tuple(dict.fromkeys(column.dataset for column in self.columns))

    def frame(self) -> pl.LazyFrame:
        """Return all columns, unread; rows in the order of the space's index."""
        return pl.scan_parquet(self.path)

    def matching(self, measure: Measure, dataset: str) -> tuple[Column, ...]:
        """Return the columns that a measure averages, or raise an error that names what there is."""
        columns = _narrow(self.columns, "dataset", dataset)
        columns = _narrow(columns, "metric", measure.metric)
        columns = _narrow(columns, "split", measure.split)
        if measure.epochs is not None:
            columns = _narrow(columns, "epochs", measure.epochs)
        if measure.seeds is not None:
            columns = tuple(column for seed in measure.seeds for column in _narrow(columns, "seed", seed))
        numbers = sorted({column.epochs or 0 for column in columns})
        if len(numbers) > 1:
            raise SettingError(f"{measure.describe()} was measured after {numbers} epochs: say which")
        return columns

    def values(self, measure: Measure, dataset: str) -> Floats:
        """Return a measure of every architecture of the table, float64 in the order of `index`, in the column's unit.

        NaN where a seed that was asked for is missing, or, if none was, where all are. Raises UnknownNameError if the
        data set or the measure is not in the table.
        """
        values = self.read([column.name for column in self.matching(measure, dataset)])
        if measure.seeds is not None:
            return values.mean(axis=1)
        present = ~np.isnan(values)
        counts = present.sum(axis=1)
        sums = np.where(present, values, 0).sum(axis=1)
        return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)

    def read(self, names: Sequence[str]) -> Floats:
        """Return columns by their names in the file, checked, float64 of shape (rows, columns).

        Raises BenchmarkFileError if the file was altered.
        """
        frame = self._collect(names)
        expected = dict(zip((column.name for column in self.columns), self.provenance.checksums, strict=True))
        for name in names:
            if _checksum(frame[name].to_numpy()) != expected[name]:
                raise _damaged(self.path, f"the values of {name} were altered")
        return frame.to_numpy().astype(np.float64)

    def to_frame(
        self, names: Sequence[str] | None = None, *, architectures: bool = False, genes: bool = False
    ) -> pl.DataFrame:
        """Return columns in memory, checked, with the place of each architecture in the space.

        ``to_frame(...).to_pandas()`` is a pandas frame and ``to_frame(...).to_arrow()`` an Arrow table, of the same
        columns; both need the extra "bridges".

        Parameters
        ----------
        names
            Columns by their names in the file; all if None.
        architectures
            Whether to add the official strings, as "architecture".
        genes
            Whether to add the genes, as "gene0", "gene1", and so on.

        Returns
        -------
        DataFrame
            A row an architecture, in the order of `index`: "index", what was added, and the columns, NaN where missing.

        Raises
        ------
        UnknownNameError
            If there is no such column.
        BenchmarkFileError
            If the file was altered.
        """
        known = [column.name for column in self.columns]
        wanted = known if names is None else list(dict.fromkeys(names))
        for name in wanted:
            if name not in known:
                raise UnknownNameError(f"column of {self.path.name}", name, known)
        frame = pl.DataFrame({_INDEX: self.index})
        if architectures or genes:
            rows = self.space.rows(self.index)
            if architectures:
                frame = frame.with_columns(architecture=pl.Series(self.space.write(rows), dtype=pl.String))
            if genes:
                frame = frame.with_columns(pl.Series(f"gene{gene}", rows[:, gene]) for gene in range(self.space.genes))
        values = self.read(wanted)
        return frame.with_columns(pl.Series(name, values[:, place]) for place, name in enumerate(wanted))

    def _collect(self, names: Sequence[str]) -> pl.DataFrame:
        try:
            frame = self.frame().select(list(names)).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise _damaged(self.path, first_line(error)) from error
        for name in names:
            if not frame[name].dtype.is_numeric() or frame[name].null_count():
                raise _damaged(self.path, f"{name} holds {frame[name].dtype}, or not every number")
        return frame

    def verify(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Read everything, curves too; raises BenchmarkFileError at the first value that is not as it was imported.

        `progress` is told now and then which share is read.
        """
        self.index  # noqa: B018
        parts = len(self.columns) + len(self.provenance.curves)
        for number, column in enumerate(self.columns):
            progress(number / parts)
            self.read([column.name])
        for number, (name, expected) in enumerate(self.provenance.curves.items(), len(self.columns)):
            progress(number / parts)
            path = self.path.with_suffix("") / name
            if not path.exists() or file_checksum(path) != expected:
                raise _damaged(path, "missing or altered")

    @property
    def bytes(self) -> int:
        """What the table and its curves take on the disk."""
        folder = self.path.with_suffix("")
        files = [self.path, *(folder.rglob("*") if folder.is_dir() else ())]
        return sum(path.stat().st_size for path in files if path.is_file())

    def curve(self, column: Column) -> NDArray[np.float32]:
        """Return a learning curve of every architecture, memory-mapped float32 of shape (rows, epochs).

        Row i belongs to `index[i]`, column e to epoch e + 1; NaN where nothing was measured. The curve of
        ``Column("accuracy", "cifar100", "train", "%", epochs=200, seed=777)`` ends in that column's value. Raises
        UnknownNameError for a column without a curve, BenchmarkFileError if the file was altered.
        """
        path = self.path.with_suffix("") / curve_file(column)
        if not path.exists():
            known = sorted(found.stem for found in path.parent.glob("*.npy"))
            raise UnknownNameError("curve", path.stem, known)
        try:
            curve = np.lib.format.open_memmap(path, mode="r")
        except Exception as error:  # numpy's reader of the header raises what it meets
            raise _damaged(path, first_line(error)) from error
        if curve.dtype != np.float32 or curve.ndim != 2 or len(curve) != len(self.index):
            raise _damaged(path, f"holds {curve.dtype} of shape {curve.shape}")
        return curve


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 24):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def curve_file(column: Column) -> str:
    """Return the name of the file of a column's learning curves, in the folder beside the table."""
    return f"{column.name.replace('/', '.')}.npy"


def write_table(
    path: Path,
    space: Space,
    columns: Mapping[Column, Floats],
    source: Source,
    index: Indices | None = None,
    curves: Mapping[str, int] | None = None,
) -> None:
    """Write a table beside its place and move it there, so that no half-written one is ever seen.

    `columns` have a row for every architecture of the space, or, if `index` is given, for those places, ascending; NaN
    where missing. `curves` are the checksums of the files of learning curves. Raises BenchmarkFileError if the columns
    have another number of rows.
    """
    checksums = tuple(map(_checksum, columns.values()))
    places = None if index is None else _checksum(index)
    provenance = Provenance(
        FORMAT, space.name, space.size, tuple(columns), checksums, places, dict(curves or {}), source
    )
    frame = pl.DataFrame({column.name: pl.Series(values, nan_to_null=False) for column, values in columns.items()})
    rows = space.size if index is None else len(index)
    if frame.height != rows:
        raise BenchmarkFileError(f"{path.name}: {frame.height} architectures instead of the {rows} of {space.name}")
    if index is not None:
        frame.insert_column(0, pl.Series(_INDEX, index))
    buffer = io.BytesIO()
    described = msgspec.json.encode(provenance)
    frame.write_parquet(buffer, metadata={"lissnas": described.decode(), "crc32": str(zlib.crc32(described))})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


@dataclass(frozen=True)
class _Stamp:
    format: int


def read_format(path: Path) -> int:
    """Return the layout's version of a table's file; raises BenchmarkFileError if it is no readable table."""
    return _described(path, _Stamp).format


def read_provenance(path: Path) -> Provenance:
    """Return what a table's file says of itself; raises BenchmarkFileError if it is no readable table."""
    return _described(path, Provenance)


def _described(path: Path, kind: type[Described]) -> Described:
    try:
        metadata = pl.read_parquet_metadata(path)
        if kind is Provenance and metadata["crc32"] != str(zlib.crc32(metadata["lissnas"].encode())):
            raise ValueError("its description was altered")
        described = msgspec.json.decode(metadata["lissnas"], type=kind)
    except (
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
        *(OSError, KeyError, ValueError, RecursionError),
    ) as error:
        raise _damaged(path, first_line(error)) from error
    return described


def first_line(error: BaseException) -> str:
    """Return what an error of a library says first, or its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _checksum(values: Floats | Indices) -> int:
    kind = np.int64 if values.dtype.kind in "iu" else np.float64
    return zlib.crc32(np.ascontiguousarray(values, dtype=kind).data)


def _damaged(path: Path, why: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{path}: not a readable table ({why}); delete it, and it is made again from its source")


def _narrow(columns: Iterable[Column], field: str, wanted: str | int) -> tuple[Column, ...]:
    columns = tuple(columns)
    found = tuple(column for column in columns if getattr(column, field) == wanted)
    if not found:
        raise UnknownNameError(field, str(wanted), {str(getattr(column, field)) for column in columns})
    return found
