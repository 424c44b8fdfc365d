"""The Parquet file of a table: what its metadata says, and how it is written and checked.

A row of the file is an architecture, in the order of the space's index. A column is one measurement of all of them. The
metadata says which measurement each column is and where the numbers came from.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import polars as pl
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet_metadata

from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError, first_line

FORMAT = 2
"""Version of the file's layout; `load_table` imports a file of another version again."""

INDEX = "index"
"""Name of the column of a sampled table that says which architecture a row is."""

ROWS = "genes"
"""Name of the column of a sampled table of a space without an index: the genes of each architecture, one byte each."""

Metadata = TypeVar("Metadata")


@dataclass(frozen=True)
class Source:
    """The origin of a table: the benchmark, its page and license, and the SHA-256 of each official file."""

    benchmark: str
    page: str
    license: str
    files: dict[str, str]


@dataclass(frozen=True)
class Provenance:
    """The metadata of a table's file.

    Attributes
    ----------
    checksums
        The CRC-32 of each column's values, in the order of the columns.
    index
        The CRC-32 of a sampled table's indices of the space; None for a complete table.
    curves
        The CRC-32 of each file of learning curves, by its name.
    rows
        The CRC-32 of the genes of a sampled table of a space without an index; None for any other table.
    """

    format: int
    space: str
    size: int
    columns: tuple[Column, ...]
    checksums: tuple[int, ...]
    index: int | None
    curves: dict[str, int]
    source: Source
    rows: int | None = None


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 24):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def curve_file(column: Column) -> str:
    """Return the name of the file of a column's learning curves, in the folder next to the table."""
    return f"{column.name.replace('/', '.')}.npy"


def write_table(
    path: Path,
    space: Space,
    columns: Mapping[Column, Floats],
    source: Source,
    index: Indices | None = None,
    curves: Mapping[str, int] | None = None,
    listed: Rows | None = None,
) -> None:
    """Write the file of a table atomically.

    Parameters
    ----------
    path
        The file to write.
    space
        The space of the architectures.
    columns
        The measurements, each of shape (size,), or of the shape of `index`; NaN where missing.
    source
        Where the measurements came from.
    index
        For a sampled table: the measured architectures, as ascending indices of the space.
    curves
        The CRC-32 of each file of learning curves, by its name.
    listed
        For a sampled table of a space without an index: the measured architectures, shape (n, genes).

    Raises
    ------
    BenchmarkFileError
        If the columns have another number of rows.
    """
    checksums = tuple(map(values_checksum, columns.values()))
    index_checksum = None if index is None else values_checksum(index)
    size = space.size if listed is None else len(listed)
    rows_checksum = None if listed is None else zlib.crc32(np.ascontiguousarray(listed).data)
    described = FORMAT, space.name, size, tuple(columns), checksums, index_checksum, dict(curves or {}), source
    provenance = Provenance(*described, rows=rows_checksum)
    frame = pl.DataFrame({column.name: pl.Series(values, nan_to_null=False) for column, values in columns.items()})
    rows = size if index is None else len(index)
    if frame.height != rows:
        raise BenchmarkFileError(f"{path.name}: {frame.height} architectures instead of the {rows} of {space.name}")
    if index is not None:
        frame.insert_column(0, pl.Series(INDEX, index))
    if listed is not None:
        frame.insert_column(0, pl.Series(ROWS, [row.tobytes() for row in listed], dtype=pl.Binary))
    metadata = msgspec.json.encode(provenance)
    content = encode_parquet(frame, {"lissnas": metadata.decode(), "crc32": str(zlib.crc32(metadata))})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(content)


@dataclass(frozen=True)
class _FormatOnly:
    """The one metadata field that every version of the layout has."""

    format: int


def read_format(path: Path) -> int:
    """Return the layout version of a table's file; raises BenchmarkFileError if it is not a readable table."""
    return _read_metadata(path, _FormatOnly).format


def read_provenance(path: Path) -> Provenance:
    """Return the metadata of a table's file; raises BenchmarkFileError if it is not a readable table."""
    return _read_metadata(path, Provenance)


def _read_metadata(path: Path, kind: type[Metadata]) -> Metadata:
    try:
        metadata = read_parquet_metadata(path)
        if kind is Provenance and metadata["crc32"] != str(zlib.crc32(metadata["lissnas"].encode())):
            raise ValueError("its metadata was altered")
        decoded = msgspec.json.decode(metadata["lissnas"], type=kind)
    except (
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
        *(OSError, KeyError, ValueError, RecursionError),
    ) as error:
        raise unreadable_table(path, first_line(error)) from error
    return decoded


def values_checksum(values: Floats | Indices) -> int:
    """Return the CRC-32 of an array's values, as int64 or float64."""
    kind = np.int64 if values.dtype.kind in "iu" else np.float64
    return zlib.crc32(np.ascontiguousarray(values, dtype=kind).data)


def unreadable_table(table: Path, why: str, curve: Path | None = None) -> BenchmarkFileError:
    """Return the error for a table's file that is damaged, or one of its learning curves."""
    return BenchmarkFileError(
        f"{curve or table}: not a readable table ({why}); 'lissnas data get {table.stem}' makes it again, or says how"
    )
