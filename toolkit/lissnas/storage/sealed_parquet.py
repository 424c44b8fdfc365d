"""Sealed Parquet files: their CRC-32 is a constant, so that damage is noticed before Polars opens a file.

Polars allocates what a page header claims, and one flipped bit there can end the process. The metadata of a sealed file
has 32 binary digits that give the complete file the CRC-32 `SEAL`. Every Parquet reader reads such a file.
"""

import io
import mmap
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SEAL = zlib.crc32(b"lissnas")
"""The CRC-32 of every sealed file."""

_KEY = "lissnas_seal"
"""Key of the metadata under which the digits are."""

_DIGITS = 32
"""One digit for each bit of a CRC-32."""

_SOUND: set[tuple[str, int, int, int]] = set()
"""The versions of files that this process has compared with the seal."""


def encode_parquet(frame: "pl.DataFrame", metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the content of a sealed Parquet file.

    Parameters
    ----------
    frame
        The rows.
    metadata
        Texts of the file's metadata, by their keys.

    Examples
    --------
    >>> import polars as pl
    >>> content = encode_parquet(pl.DataFrame({"number": [1, 2]}), {"lissnas": "{}"})
    >>> zlib.crc32(content) == SEAL
    True
    """
    buffer = io.BytesIO()
    frame.write_parquet(buffer, metadata={**(metadata or {}), _KEY: "0" * _DIGITS})
    content = bytearray(buffer.getbuffer())
    start = content.index(b"0" * _DIGITS, content.rindex(_KEY.encode()))
    for digit in _digits(len(content) - start, zlib.crc32(content) ^ SEAL):
        content[start + digit] = ord("1")
    return bytes(content)


def check_seal(path: Path) -> None:
    """Raise ValueError if a sealed file was altered; a file that was never sealed passes."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        version = str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns
        if version in _SOUND or not status.st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if zlib.crc32(content) != SEAL and content.rfind(_KEY.encode()) >= 0:
                raise ValueError("its bytes were altered")
    _SOUND.add(version)


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> "pl.DataFrame":
    """Return the rows of one of the project's own Parquet files; raises ValueError if it is sealed and was altered."""
    import polars as pl

    check_seal(path)
    return pl.read_parquet(path, glob=False, columns=None if columns is None else list(columns))


def read_parquet_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of one of the project's own Parquet files; raises ValueError as `read_parquet` does."""
    import polars as pl

    check_seal(path)
    return pl.read_parquet_metadata(path)


def _digits(tail: int, wanted: int) -> list[int]:
    """Return which digits to change from 0 to 1, so that the CRC-32 of a file changes by `wanted`.

    The digits are the first bytes of the file's last `tail` bytes. A CRC is linear: each digit changes it by a fixed
    pattern, whatever the other bytes are, and 32 adjacent bytes give patterns that are linearly independent.
    """
    zeros = zlib.crc32(bytes(tail))
    pivots: dict[int, tuple[int, int]] = {}
    for digit in range(_DIGITS):
        changed = bytearray(tail)
        changed[digit] = 1
        pattern, members = _reduced(zlib.crc32(changed) ^ zeros, 1 << digit, pivots)
        pivots[pattern.bit_length()] = pattern, members
    rest, members = _reduced(wanted, 0, pivots)
    assert not rest
    return [digit for digit in range(_DIGITS) if members >> digit & 1]


def _reduced(pattern: int, members: int, pivots: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return a pattern after elimination by the pivots, and the digits that it consists of."""
    while pattern and (pivot := pivots.get(pattern.bit_length())):
        pattern, members = pattern ^ pivot[0], members ^ pivot[1]
    return pattern, members
