"""Table: the columnar form that every tabular benchmark becomes, in one Parquet file.

A row of the file is an architecture, in the order of the space's index; a column is one measurement of all of them.
Which measurement, and where the numbers came from, stands in the file's metadata.
"""

import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import polars as pl
from lissnas.errors import SettingError, UnknownNameError
from lissnas.space import Floats, Space

from lissnas_benchmarks.errors import BenchmarkFileError

FORMAT = 1
"""The version of the file's layout; a file of another version is made again."""


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
    """Which columns answer a question: their mean over `seeds`, or over all seeds if None."""

    metric: str
    split: str
    seeds: tuple[int, ...] | None = None

    def describe(self) -> str:
        """Return the measure in words: 'test accuracy, mean of seeds 1, 2'."""
        if self.seeds is None:
            seeds = ""
        elif len(self.seeds) == 1:
            seeds = f", seed {self.seeds[0]}"
        else:
            seeds = f", mean of seeds {', '.join(map(str, self.seeds))}"
        return f"{self.split} {self.metric}{seeds}".strip()


@dataclass(frozen=True)
class Source:
    """Where a table's numbers came from: the benchmark, its page and licence, and the SHA-256 of each official file."""

    benchmark: str
    page: str
    licence: str
    files: dict[str, str]


@dataclass(frozen=True)
class Provenance:
    """What a table's file says of itself; `checksums` are the CRC-32 of each column's values, in the columns' order."""

    format: int
    space: str
    size: int
    columns: tuple[Column, ...]
    checksums: tuple[int, ...]
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
        if measure.seeds is not None:
            columns = tuple(column for seed in measure.seeds for column in _narrow(columns, "seed", seed))
        if len({column.epochs for column in columns}) > 1:
            raise SettingError(f"{self.path.name}: {measure.describe()} was measured after several numbers of epochs")
        return columns

    def values(self, measure: Measure, dataset: str) -> Floats:
        """Return a measure of every architecture, float64 of shape (size,), in the column's unit.

        NaN where any of its seeds is missing.
        """
        names = [column.name for column in self.matching(measure, dataset)]
        try:
            frame = self.frame().select(names).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise _damaged(self.path, str(error).splitlines()[0]) from error
        expected = dict(zip((column.name for column in self.columns), self.provenance.checksums, strict=True))
        for name in names:
            if _checksum(frame[name].to_numpy()) != expected[name]:
                raise _damaged(self.path, f"the values of {name} were altered")
        return frame.to_numpy().mean(axis=1, dtype=np.float64)


def write_table(path: Path, space: Space, columns: Mapping[Column, Floats], source: Source) -> None:
    """Write a table beside its place and move it there, so that no half-written one is ever seen.

    `columns` have shape (size,), NaN where missing.
    """
    checksums = tuple(map(_checksum, columns.values()))
    provenance = Provenance(FORMAT, space.name, space.size, tuple(columns), checksums, source)
    frame = pl.DataFrame({column.name: pl.Series(values, nan_to_null=False) for column, values in columns.items()})
    if frame.height != space.size:
        raise BenchmarkFileError(
            f"{path.name}: {frame.height} architectures instead of the {space.size} of {space.name}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        frame.write_parquet(beside, metadata={"lissnas": msgspec.json.encode(provenance).decode()})
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


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
        return msgspec.json.decode(pl.read_parquet_metadata(path)["lissnas"], type=kind)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from error


def _checksum(values: Floats) -> int:
    return zlib.crc32(np.ascontiguousarray(values, dtype=np.float64).data)


def _damaged(path: Path, why: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{path}: not a readable table ({why}); delete it, and it is made again from its source")


def _narrow(columns: Iterable[Column], field: str, wanted: str | int) -> tuple[Column, ...]:
    columns = tuple(columns)
    found = tuple(column for column in columns if getattr(column, field) == wanted)
    if not found:
        raise UnknownNameError(field, str(wanted), {str(getattr(column, field)) for column in columns})
    return found
