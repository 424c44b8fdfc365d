"""TFRecord: TensorFlow's file of records, each framed by its length and by checksums of both.

A frame is the length (8 bytes, little-endian), its checksum (4), the record and its checksum (4). A checksum is
CRC-32C, rotated and shifted by a constant ("masked"). It is linear in the bits of a message, so that the checksums of
many records of one length are looked up byte by byte for all of them together.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError

_POLYNOMIAL = 0x82F63B78
"""Of CRC-32C (Castagnoli), the lowest bit for the highest power."""

_ONES = np.uint32(0xFFFFFFFF)
_MASK = np.uint32(0xA282EAD8)

HEADER, FOOTER = 12, 4
"""How many bytes of a frame stand before the record and after it."""

_FRAMES_AT_ONCE = 1 << 17

_BYTES_AT_ONCE = 1 << 20
"""How many bytes of records are looked up together: to stay in the processor's cache."""

_LONGEST = 1 << 14
"""The longest record in bytes; those of NAS-Bench-101 have about 400, and a byte needs a table of 1 kB."""


def frames(data: NDArray[np.uint8], name: str) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield where records start in a file and how long they are, 131,072 at a time, their checksums verified.

    Parameters
    ----------
    data
        The file's bytes, for example memory-mapped.
    name
        What to call the file in an error.

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
            if len(data) - place < HEADER + FOOTER + length or length > _LONGEST:
                stop = place
                break
            starts.append(place + HEADER)
            lengths.append(length)
            place += HEADER + length + FOOTER
        start, length_ = np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64)
        if starts:
            _verify(data, start, length_, name)
        if stop is not None:
            whole = len(data) - stop >= HEADER
            if whole and not _are_right(data, np.array([stop]), 8)[0]:
                raise _wrong_checksum(name, stop)
            raise BenchmarkFileError(f"{name}: cut short within the record at byte {stop:,}, or no file of records")
        yield start, length_


def masked_crc32c(messages: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the masked checksum of each message, shape (n,), of bytes of shape (n, length)."""
    length = messages.shape[1]
    tables, of_zeros = _tables(length)
    checksums = np.full(len(messages), of_zeros, dtype=np.uint32)
    for table, column in zip(tables, np.ascontiguousarray(messages.T), strict=True):
        checksums ^= table.take(column, mode="clip")  # half the time of table[column]
    return ((checksums >> np.uint32(15)) | (checksums << np.uint32(17))) + _MASK


def _verify(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], name: str) -> None:
    """Raise BenchmarkFileError for the first frame of which a checksum is wrong."""
    right = np.empty(len(starts), dtype=np.bool_)
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        at_once = max(1, _BYTES_AT_ONCE // (length + 1))
        for first in range(0, len(same), at_once):
            some = same[first : first + at_once]
            right[some] = _are_right(data, starts[some], length)
    right &= _are_right(data, starts - HEADER, 8)
    if not right.all():
        raise _wrong_checksum(name, int(starts[right.argmin()]) - HEADER)


def _are_right(data: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Tell which of the messages that start there and have this length are followed by their checksum."""
    messages = np.lib.stride_tricks.sliding_window_view(data, length + 4)[starts]
    return masked_crc32c(messages[:, :length]) == np.ascontiguousarray(messages[:, length:]).view("<u4")[:, 0]


def _wrong_checksum(name: str, place: int) -> BenchmarkFileError:
    return BenchmarkFileError(f"{name}: damaged: the record at byte {place:,} does not have its checksum")


@lru_cache(maxsize=512)
def _tables(length: int) -> tuple[NDArray[np.uint32], np.uint32]:
    """Return what each byte of a message adds to its checksum, shape (length, 256), and the checksum of zeros."""
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
    """Return what each last byte, last but one, ... of a message adds to its checksum, shape (length, 256)."""
    steps = np.empty((length, 256), dtype=np.uint32)
    steps[:1] = _byte_steps()
    for place in range(1, length):
        steps[place] = (steps[place - 1] >> np.uint32(8)) ^ _byte_steps()[steps[place - 1] & np.uint32(0xFF)]
    return steps
