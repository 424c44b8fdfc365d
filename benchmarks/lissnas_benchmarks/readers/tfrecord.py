"""Read TFRecord, TensorFlow's file of records, and verify its checksums.

A frame is the record's length (8 bytes, little-endian), the length's checksum (4), the record and its checksum (4). A
checksum is CRC-32C, rotated and shifted by a constant ("masked"). CRC is linear in the bits of a message. The checksums
of many records of one length are therefore looked up byte by byte, for all records together.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError

_POLYNOMIAL = 0x82F63B78
"""The polynomial of CRC-32C (Castagnoli); the lowest bit is the highest power."""

_ONES = np.uint32(0xFFFFFFFF)
_MASK = np.uint32(0xA282EAD8)

HEADER, FOOTER = 12, 4
"""Number of bytes of a frame before and after the record."""

_FRAMES_AT_ONCE = 1 << 17
"""Maximum number of frames that `frames` yields together."""

_BYTES_AT_ONCE = 1 << 20
"""Number of bytes that are looked up together: they fit in the processor's cache."""

_MAX_RECORD_BYTES = 1 << 14
"""Maximum length of a record. Those of NAS-Bench-101 have about 400 bytes; each byte needs a table of 1 kB."""


def frames(data: NDArray[np.uint8], name: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the starts and lengths of the records, up to 131,072 at a time, after verifying their checksums.

    Parameters
    ----------
    data
        The file's bytes, for example memory-mapped.
    name
        The file's name in error messages.

    Raises
    ------
    BenchmarkFileError
        If the file ends within a record or a checksum is wrong, with the position of the first such frame.
    """
    place = 0
    view = data.data
    while place < len(data):
        starts: list[int] = []
        lengths: list[int] = []
        stop = None
        while place < len(data) and len(starts) < _FRAMES_AT_ONCE:
            length = int.from_bytes(view[place : place + 8], "little")
            if len(data) - place < HEADER + FOOTER + length or length > _MAX_RECORD_BYTES:
                stop = place
                break
            starts.append(place + HEADER)
            lengths.append(length)
            place += HEADER + length + FOOTER
        start, length_ = np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64)
        if starts:
            _verify(data, start, length_, name)
        if stop is not None:
            has_header = len(data) - stop >= HEADER
            if has_header and not _are_right(data, np.array([stop]), 8)[0]:
                raise _wrong_checksum(name, stop)
            raise BenchmarkFileError(f"{name}: cut short within the record at byte {stop:,}, or not a TFRecord file")
        yield start, length_


def masked_crc32c(messages: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the masked checksum of each message: uint32 of shape (n,) for bytes of shape (n, length)."""
    length = messages.shape[1]
    tables, zeros_checksum = _tables(length)
    checksums = np.full(len(messages), zeros_checksum, dtype=np.uint32)
    for table, column in zip(tables, np.ascontiguousarray(messages.T), strict=True):
        checksums ^= table.take(column, mode="clip")  # half the time of table[column]
    return ((checksums >> np.uint32(15)) | (checksums << np.uint32(17))) + _MASK


def _verify(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], name: str) -> None:
    """Raise BenchmarkFileError for the first frame with a wrong checksum."""
    is_right = np.empty(len(starts), dtype=np.bool_)
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        at_once = max(1, _BYTES_AT_ONCE // (length + 1))
        for first in range(0, len(same), at_once):
            some = same[first : first + at_once]
            is_right[some] = _are_right(data, starts[some], length)
    is_right &= _are_right(data, starts - HEADER, 8)
    if not is_right.all():
        raise _wrong_checksum(name, int(starts[is_right.argmin()]) - HEADER)


def _are_right(data: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Tell which messages of this length are followed by their checksum."""
    messages = np.lib.stride_tricks.sliding_window_view(data, length + 4)[starts]
    return masked_crc32c(messages[:, :length]) == np.ascontiguousarray(messages[:, length:]).view("<u4")[:, 0]


def _wrong_checksum(name: str, place: int) -> BenchmarkFileError:
    return BenchmarkFileError(f"{name}: damaged: the record at byte {place:,} does not match its checksum")


@lru_cache(maxsize=512)
def _tables(length: int) -> tuple[NDArray[np.uint32], np.uint32]:
    """Return what each byte of a message adds to the checksum, shape (length, 256), and the checksum of zeros."""
    tables = _steps(-(-length // 1024) * 1024)[:length][::-1]
    zeros = np.uint32(_ONES)
    byte = _byte_steps()
    for _ in range(length):
        zeros = (zeros >> np.uint32(8)) ^ byte[zeros & np.uint32(0xFF)]
    return tables, zeros ^ _ONES


@lru_cache(maxsize=1)
def _byte_steps() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    return table


@lru_cache(maxsize=4)
def _steps(length: int) -> NDArray[np.uint32]:
    """Return what the last byte of a message, the one before it, ... add to the checksum, shape (length, 256)."""
    steps = np.empty((length, 256), dtype=np.uint32)
    steps[:1] = _byte_steps()
    for place in range(1, length):
        steps[place] = (steps[place - 1] >> np.uint32(8)) ^ _byte_steps()[steps[place - 1] & np.uint32(0xFF)]
    return steps
