"""Pickles read in one pass: the same as pickle reads, records one by one, and hostile ones refused in little memory."""

import io
import pickle
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles import pickle_stream
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDict, FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream


def _load(data: bytes, **options: Any) -> Any:
    stream = PickleStream(io.BytesIO(data), "x.pth", **options)
    value = stream.load()
    stream.check_ended()
    return value


def _plain(value: Any) -> Any:
    """Undo what is read otherwise than by pickle: dictionaries of floats."""
    if isinstance(value, FloatDict):
        return dict(zip(value.keys, value.values.tolist(), strict=True))
    if isinstance(value, dict):
        return {key: _plain(of) for key, of in value.items()}
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else value


PROTOCOLS = [2, 3, 4, 5]


def _two_deep(items: list[Any]) -> tuple[Any, ...]:
    """Make a tuple whose tuples contain no tuples, because deeper ones are refused."""
    return tuple(
        [*item] if isinstance(item, tuple) and any(isinstance(part, tuple) for part in item) else item for item in items
    )


_numbers = some.integers(-(2**120), 2**120) | some.floats(allow_nan=False) | some.booleans() | some.none()
_keys = some.integers(-300, 70000) | some.text(max_size=20)
_values = some.recursive(
    _numbers | some.text(max_size=300) | some.sets(some.integers(0, 99)) | some.builds(np.float64, some.floats(-9, 9)),
    lambda inside: some.lists(inside) | some.dictionaries(_keys, inside) | some.lists(inside).map(_two_deep),
    max_leaves=30,
)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(value=_values, share=some.booleans())
def test_files_are_read_as_pickle_reads_them(protocol: int, value: Any, share: bool) -> None:
    data = pickle.dumps([value, value] if share else [value], protocol)
    assert _plain(_load(data)) == pickle.loads(data)


def _curves(count: int, *names: str) -> dict[str, float]:
    return {f"{name}@{epoch}": float(epoch) / 7 for name in names for epoch in range(count)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("count", [1, 5, 6, 12, 200, 255, 300, 500, 999, 1000, 1001, 1200])
def test_repeated_curves_are_read_as_pickle_reads_them(protocol: int, count: int) -> None:
    rng = np.random.default_rng(count)
    value = []
    for _ in range(4):
        first = _curves(count, "x-valid", "ori-test")
        shared = {key: float(rng.random()) for key in first}  # fetches the keys of the first from the memo
        mixed = dict.fromkeys(list(first)[: count // 2], 1.0) | _curves(count, "x-test")
        numbered = OrderedDict((epoch, float(rng.random())) for epoch in range(count))
        value.append([first, shared, mixed, numbered, shared, dict(numbered)])
    data = pickle.dumps(value, protocol)
    assert _plain(_load(data)) == pickle.loads(data)


def test_a_known_template_does_not_fit_another_dictionary() -> None:
    reader = FloatDictReader()
    for value in (_curves(20, "x-valid"), _curves(20, "x-velid"), _curves(19, "x-valid") | {"x-valid@20": 1.0}):
        assert _plain(_load(pickle.dumps(value, 2), float_dicts=reader)) == value
        assert _plain(_load(pickle.dumps(dict(enumerate(value.values())), 2), float_dicts=reader)) == dict(
            enumerate(value.values())
        )


def test_a_large_pickle_is_read_in_pieces() -> None:
    value = {"a": [f"string {i}" for i in range(200_000)], "b": _curves(300, "x-valid")}
    assert _plain(_load(pickle.dumps(value, 2))) == value


def test_each_record_is_handed_over_complete_and_replaced() -> None:
    seen = []

    def finish(record: dict[Any, Any]) -> int:
        seen.append(_plain(record))
        return len(seen)

    records = [{"runs": [i, "shared"], "curve": _curves(12, "x-valid"), "scale": np.float64(i)} for i in range(5)]
    value = _load(pickle.dumps({"all": dict(enumerate(records)), "again": "shared"}, 2), marker="runs", finish=finish)
    assert seen == records
    assert value == {"all": {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}, "again": "shared"}


def test_a_reference_to_the_inside_of_an_earlier_record_is_refused() -> None:
    shared = [1, 2, 3]
    records = [{"runs": shared}, {"runs": shared, "x": 1}]
    with pytest.raises(BenchmarkFileError, match="inside of another record"):
        _load(pickle.dumps([records[1], dict(records[1])], 2), marker="runs", finish=len)


# Hostile pickles


def _text(string: bytes) -> bytes:
    return b"X" + len(string).to_bytes(4, "little") + string


def _doubled(times: int) -> bytes:
    """Put tuple after tuple on the stack, each of twice the one before: 2**times parts, were they written out."""
    return b"".join(b"h%c\x86\x94" % number for number in range(times))


MEGA = 1 << 20
HOSTILE = {
    "nothing": b"",
    "an empty stack": b"\x80\x02.",
    "a call": b"\x80\x02cposix\nsystem\n" + _text(b"touch x") + b"\x85R.",
    "a call by stack": b"\x80\x04" + _text(b"builtins") + _text(b"eval") + b"\x93" + _text(b"1") + b"\x85R.",
    "an instance": b"(" + _text(b"ls") + b"iposix\nsystem\n.",
    "a new object": b"\x80\x02cnumpy\ndtype\n)\x81.",
    "an extension": b"\x80\x02\x82\x01.",
    "a persistent id": b"\x80\x02K\x01Q.",
    "a class by another name": b"\x80\x02ccollections\nOrderedDict.fromkeys\n)R.",
    "an object array": b"\x80\x02cnumpy\ndtype\n" + _text(b"O8") + b"\x85R.",
    "a call of a string": b"\x80\x02" + _text(b"x") + b")R.",
    "a state for a dictionary": b"\x80\x02}}b.",
    "a memo number of a billion, unused": b"\x80\x02Nr" + (10**9).to_bytes(4, "little") + b"0.",
    "a memo number never put": b"\x80\x02j" + (10**9).to_bytes(4, "little") + b".",
    "a string of four gigabytes": b"\x80\x02X\xff\xff\xff\xff" + b"x" * 1000,
    "a string of a megabyte": b"\x80\x02" + _text(b"x" * MEGA) + b".",
    "a long string of protocol 4": b"\x80\x04\x8d" + (10**10).to_bytes(8, "little") + b"x",
    "bytes of ten gigabytes": b"\x80\x04\x8e" + (10**10).to_bytes(8, "little") + b"x",
    "a byte array": b"\x80\x05\x96" + (10**10).to_bytes(8, "little") + b"x",
    "an integer of two gigabytes": b"\x80\x02\x8b\xff\xff\xff\x7f" + b"x",
    "an integer of 255 bytes": b"\x80\x02\x8a\xff" + b"x" * 255 + b".",
    "a frame of everything": b"\x80\x04\x95" + b"\xff" * 8,
    "a million marks": b"\x80\x02" + b"(" * MEGA,
    "lists in lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"a.",
    "a tuple of tuples as a key": b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.",
    "a tuple of twice the tuple before, as a key": b"\x80\x04})\x94" + _doubled(40) + b"K\x01s.",
    "a tuple of twice the tuple before, in a set": b"\x80\x04\x8f()\x94" + _doubled(40) + b"\x90.",
    "a tuple of a thousand as a key": b"\x80\x02}(" + b"K\x01" * 1000 + b"tK\x01s.",
    "a class by names that are lists in lists": b"\x80\x04" + 2 * (b"]" * 5000 + b"a" * 4999) + b"\x93.",
    "a list as a key": b"\x80\x02}]K\x01s.",
    "an odd number of items": b"\x80\x02}(K\x01K\x02K\x03u.",
    "items of a list": b"\x80\x02](K\x01K\x02u.",
    "no UTF-8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "two values": b"\x80\x02K\x01K\x02.",
    "an open mark": b"\x80\x02K\x01(K\x02.",
    "protocol 0": b"I1\n.",
    "protocol 9": b"\x80\x09K\x01.",
    "something after the end": b"\x80\x02N.N",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pickle_is_refused(data: bytes) -> None:
    with pytest.raises(BenchmarkFileError, match=r"x\.pth: "):
        _load(data)


@pytest.mark.parametrize("data", [data for data in HOSTILE.values() if len(data) < 2000])
def test_a_small_hostile_pickle_takes_no_more_than_a_piece_of_a_file_does(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BenchmarkFileError):
            _load(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGA


@pytest.mark.parametrize("data", [b"]", b"}", b"\x8f", b"N\x94", b"N\x85", b"K\x01", b"M\x01\x02", b"C\x01x"])
def test_a_pickle_of_too_many_values_is_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_stream, "_MAX_VALUES", 50_000)
    monkeypatch.setattr(pickle_stream, "_READ", 1 << 18)  # values are counted once per piece
    with pytest.raises(BenchmarkFileError, match="more than 50,000 values in memory"):
        _load(b"\x80\x04" + data * (MEGA // 2 // len(data)))


def test_a_pickle_that_decompresses_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_stream, "_MAX_BYTES", 2 * MEGA)
    with pytest.raises(BenchmarkFileError, match="decompresses to more than 2,097,152 bytes"):
        _load(b"\x80\x04" * (3 * MEGA))


def test_nothing_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for module, name in (("posix", "system"), ("os", "system"), ("subprocess", "getoutput"), ("builtins", "exec")):
        call = _text(f"touch {canary}".encode())
        data = f"\x80\x02c{module}\n{name}\n".encode("latin1") + call + b"\x85R."
        with pytest.raises(BenchmarkFileError, match="is not on the list of what it may contain"):
            _load(data)
    assert not canary.exists()


@given(data=some.binary(max_size=200))
def test_noise_is_an_error_or_plain_data(data: bytes) -> None:
    try:
        _load(b"\x80\x02" + data)
    except BenchmarkFileError:
        return
