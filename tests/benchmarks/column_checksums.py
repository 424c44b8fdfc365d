"""One checksum over all values of a table, to notice when a reader reads a file differently."""

import zlib
from collections.abc import Iterable, Mapping

from lissnas.spaces.space import Floats
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.table_file import values_checksum


def checksum_of_pairs(columns: Iterable[tuple[Column, int]]) -> int:
    """Return the CRC-32 of columns and the checksums of their values."""
    text = "\n".join(sorted(f"{column} {of_values}" for column, of_values in columns))
    return zlib.crc32(text.encode())


def checksum_of(columns: Mapping[Column, Floats]) -> int:
    """Return the CRC-32 of columns and their values."""
    return checksum_of_pairs((column, values_checksum(values)) for column, values in columns.items())
