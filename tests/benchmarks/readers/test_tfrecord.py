"""Frames of records: found and checked, or refused with the place where they are wrong."""

from contextlib import suppress

import nas_bench_101_official as official
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers import tfrecord
from lissnas_benchmarks.readers.tfrecord import frames, masked_crc32c

RECORDS = [b"", b"a", b"record", b"another", b"a" * 3000, b"\0" * 6, b"record"]


def _read(data: bytes) -> list[bytes]:
    found = []
    for starts, lengths in frames(np.frombuffer(data, dtype=np.uint8), "any.tfrecord"):
        found += [data[start : start + length] for start, length in zip(starts, lengths, strict=True)]
    return found


def _file(records: list[bytes] = RECORDS) -> bytes:
    return b"".join(map(official.frame, records))


def _unmasked(checksum: int) -> int:
    rotated = (checksum - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _crc32c(message: bytes) -> int:
    [checksum] = masked_crc32c(np.frombuffer(message, dtype=np.uint8)[None]).tolist()
    return _unmasked(checksum)


# RFC 3720, appendix B.4, and the usual check value.
@pytest.mark.parametrize(
    ("message", "checksum"),
    [
        (b"123456789", 0xE3069283),
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_checksums_are_the_published_ones(message: bytes, checksum: int) -> None:
    assert _crc32c(message) == checksum


@given(st.lists(st.binary(min_size=37, max_size=37), min_size=1, max_size=5))
def test_checksums_of_a_batch_are_those_of_its_messages(messages: list[bytes]) -> None:
    batch = np.frombuffer(b"".join(messages), dtype=np.uint8).reshape(-1, 37)
    assert [_unmasked(one) for one in masked_crc32c(batch).tolist()] == list(map(official.crc32c, messages))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_the_records_of_a_file_are_those_written(records: list[bytes]) -> None:
    assert _read(_file(records)) == records


def test_records_are_found_over_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "_FRAMES_AT_ONCE", 3)
    monkeypatch.setattr(tfrecord, "_BYTES_AT_ONCE", 16)
    assert _read(_file()) == RECORDS


def test_a_file_without_records_yields_none() -> None:
    assert _read(b"") == []


def test_a_file_truncated_anywhere_within_a_record_is_refused() -> None:
    data = _file(RECORDS[:4])
    complete = {0, *(place for place in official.positions(data))}
    for stop in set(range(len(data))) - complete:
        with pytest.raises(BenchmarkFileError, match=r"any\.tfrecord: cut short within the record at byte"):
            _read(data[:stop])


def test_a_flipped_bit_anywhere_is_detected_in_its_record() -> None:
    data = bytearray(_file(RECORDS[:4]))
    starts = list(official.positions(bytes(data)))
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        start = max(start for start in starts if start <= place)
        with pytest.raises(BenchmarkFileError, match=f"damaged: the record at byte {start} does not"):
            _read(bytes(data))
        data[place] ^= 1 << place % 8


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="a byte"),
        pytest.param(b"PK\x03\x04" + b"x" * 100, id="another format"),
        pytest.param(b"\xff" * 100, id="a length of 16 exabytes"),
        pytest.param(official.frame(b"a") + b"\0", id="a byte more"),
    ],
)
def test_a_file_that_is_not_a_tfrecord_is_refused(data: bytes) -> None:
    with pytest.raises(BenchmarkFileError, match=r"any\.tfrecord: (damaged|cut short).* at byte"):
        _read(data)


def test_a_record_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(BenchmarkFileError, match="at byte 17"):
        _read(official.frame(b"a") + official.frame(b"a" * ((1 << 14) + 1)))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(BenchmarkFileError):
        _read(data)
