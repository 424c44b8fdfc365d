"""Reading pickles: the numbers are those of numpy, and nothing in the file is executed."""

import math
import pickle
import resource
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.safe_pickle import Record, load_pickle

_KINDS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_PROTOCOLS = (3, 4, 5)


class _Scalar:
    """Pickles as a numpy scalar of a given byte order, which numpy's own scalars no longer have."""

    def __init__(self, value: float, dtype: np.dtype[Any]) -> None:
        self.arguments = (dtype, np.array(value).astype(dtype).tobytes())

    def __reduce__(self) -> Any:
        return np._core.multiarray.scalar, self.arguments


@pytest.mark.parametrize("protocol", _PROTOCOLS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", _KINDS)
def test_numbers_are_read_as_numpy_reads_them(kind: str, order: str, protocol: int) -> None:
    dtype = np.dtype(order + kind)
    values = [0, 1, 0.1, -0.0, math.inf, math.nan] if dtype.kind == "f" else [0, 1]
    if dtype.kind in "iu":
        values += [np.iinfo(dtype).min, np.iinfo(dtype).max]
    data = pickle.dumps([_Scalar(value, dtype) for value in values], protocol)
    found, expected = load_pickle(data, "x"), [number.item() for number in pickle.loads(data)]
    assert list(map(repr, found)) == list(map(repr, expected))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_reads_as_pickle_reads_it(protocol: int) -> None:
    value = {(0, 1): OrderedDict(a=[1.5, None, True], b="ü"), 10**30: ((), "y", -1)}
    assert load_pickle(pickle.dumps(value, protocol), "x") == value


def test_scalars_written_by_an_old_numpy_are_read() -> None:
    data = pickle.dumps(np.float64(0.25), 3)
    assert b"numpy._core.multiarray" in data
    assert load_pickle(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"), "x") == 0.25


# Foreign classes


def test_objects_of_a_listed_class_become_records_of_their_attributes() -> None:
    data = b"\x80\x04ctheir.module\nCell\n)\x81}X\x08\x00\x00\x00accuracyG@V\x80\x00\x00\x00\x00\x00sb."
    record = load_pickle(data, "x", frozenset({("their.module", "Cell")}))
    assert isinstance(record, Record)
    assert vars(record) == {"accuracy": 90.0}


def test_objects_of_an_unlisted_class_are_refused_by_its_name() -> None:
    data = b"\x80\x04ctheir.module\nCell\n)\x81."
    with pytest.raises(BenchmarkFileError, match=r"cells\.bench.*their\.module\.Cell is not on the list"):
        load_pickle(data, "cells.bench", frozenset({("their.module", "Other")}))


_CALLS = [
    ("os", "system", "touch {}"),
    ("posix", "system", "touch {}"),
    ("subprocess", "getoutput", "touch {}"),
    ("builtins", "eval", "open('{}', 'w')"),
    ("builtins", "exec", "open('{}', 'w')"),
    ("__builtin__", "eval", "open('{}', 'w')"),
    ("builtins", "__import__", "os"),
    ("pathlib", "Path.touch", "{}"),
    ("collections", "OrderedDict.fromkeys", "{}"),
    ("collections", "OrderedDict.__subclasses__", "{}"),
    ("numpy", "dtype.type", "f8"),
    ("numpy", "load", "{}"),
    ("numpy", "ndarray", "f8"),
    ("numpy.core.multiarray", "_reconstruct", "f8"),
    ("lissnas_benchmarks.readers.pickles.safe_pickle", "pickle.loads", "{}"),
    ("_codecs", "encode", "{}"),
    ("copyreg", "__newobj__", "{}"),
]


def _text(string: str) -> bytes:
    return b"X" + len(string.encode()).to_bytes(4, "little") + string.encode()


def _by_global(module: str, name: str, argument: str) -> bytes:
    return f"c{module}\n{name}\n".encode() + b"(" + _text(argument) + b"tR."


def _by_stack_global(module: str, name: str, argument: str) -> bytes:
    return b"\x80\x04" + _text(module) + _text(name) + b"\x93(" + _text(argument) + b"tR."


def _by_instance(module: str, name: str, argument: str) -> bytes:
    return b"(" + _text(argument) + f"i{module}\n{name}\n.".encode()


def _deep_inside(module: str, name: str, argument: str) -> bytes:
    return b"\x80\x04}(K\x00" + b"]" + _by_stack_global(module, name, argument)[2:-1] + b"au."


@pytest.mark.parametrize("form", [_by_global, _by_stack_global, _by_instance, _deep_inside])
@pytest.mark.parametrize(("module", "name", "argument"), _CALLS, ids=[".".join(call[:2]) for call in _CALLS])
def test_a_call_of_anything_else_is_refused_and_never_made(
    tmp_path: Path, form: Any, module: str, name: str, argument: str
) -> None:
    canary = tmp_path / "canary"
    data = form(module, name, argument.format(canary))
    with pytest.raises(BenchmarkFileError, match=r"is not on the list|opcode 0x69|arguments that it does not take"):
        load_pickle(data, "x", frozenset({("their.module", "Cell")}))
    assert not canary.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "x"], dtype=object),
        np.zeros(3),
        np.dtype(object),
        np.complex128(1j),
        np.datetime64("2020-01-01"),
        np.str_("x"),
        np.void(b"xy"),
        np.zeros(1, dtype=[("a", "f8")])[0],
        Path("x"),
        range(3),
        int,
    ],
    ids=repr,
)
def test_objects_that_are_not_plain_numbers_are_refused(value: Any, protocol: int) -> None:
    with pytest.raises(BenchmarkFileError, match=r"^x: "):
        load_pickle(pickle.dumps(value, protocol), "x")


# A record, and a number type whose place a record tries to take
_CELL = b"\x80\x04ctheir.module\nCell\n)\x81"
_SCALAR = b"cnumpy.core.multiarray\nscalar\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_CELL + b"K\x01b.", id="a record's state is a number"),
        pytest.param(_CELL + b"]b.", id="a record's state is a list"),
        pytest.param(b"\x80\x04ctheir.module\nCell\nK\x01\x85R.", id="a record is called with arguments"),
        pytest.param(b"\x80\x04" + _SCALAR + _text("f8") + b"C\x080000000a\x86R.", id="a type by name"),
        pytest.param(
            b"\x80\x04" + _SCALAR + _CELL[2:] + b"}" + _text("dtype") + _text("S3") + b"sbC\x03abc\x86R.",
            id="a record poses as a number type",
        ),
        pytest.param(
            b"\x80\x04" + _SCALAR + b"cnumpy\ndtype\n" + _text("f8") + b"\x85RC\x02ab\x86R.", id="short number"
        ),
        pytest.param(b"\x80\x04cnumpy\ndtype\n]\x85R.", id="a list as a number type's name"),
        pytest.param(b"\x80\x04X\xff\xff\xff\x7f.", id="a string of 2 GiB that is not there"),
        pytest.param(b"\x80\x04\x8d" + b"\xff" * 8 + b".", id="a string of 2^64 bytes"),
        pytest.param(b"\x80\x04Q.", id="a persistent id"),
        pytest.param(b"\x80\x04\x82\x01.", id="an extension code"),
        pytest.param(b"\x80\xff.", id="a protocol of the future"),
        pytest.param(b"\x80\x04]h\x05.", id="a reference to nothing"),
        pytest.param(b"\x80\x04}]]s.", id="a key that cannot be one"),
        pytest.param(b"\x80\x04})" + b"\x85" * 1_000_000 + b"Ns.", id="a tuple in a million tuples as a key"),
        pytest.param(
            b"\x80\x04})\x94" + b"".join(b"h%c\x86\x94" % n for n in range(60)) + b"Ns.",
            id="a tuple of twice the tuple before, sixty times, as a key",
        ),
        pytest.param(b"\x80\x04K\x01.K\x02.", id="two values"),
        pytest.param(b"", id="no byte"),
        pytest.param(b"NAS-Bench-Graph\n", id="a text"),
    ],
)
def test_a_malformed_pickle_is_refused_by_its_files_name(data: bytes) -> None:
    with pytest.raises(
        BenchmarkFileError,
        match=r"^x\.bench: (not in the official layout|cut short, or damaged|damaged after|data follows)",
    ):
        load_pickle(data, "x.bench", frozenset({("their.module", "Cell")}))


# Damage


@pytest.fixture(scope="module")
def networks() -> bytes:
    """A few networks in the layout of NAS-Bench-Graph's files."""
    rng = np.random.default_rng(0)
    names = ("valid_perf", "perf", "latency", "para")
    table = {key: {name: np.float64(rng.random()) for name in names} for key in range(9)}
    return pickle.dumps(table, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a GiB more than is in use: a damaged length must not take the machine with it."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 29), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(b"\x80\x02Nr" + (10**9).to_bytes(4, "little") + b".", id="a memo of a thousand million"),
        pytest.param(b"\x80\x05\x96" + (10**10).to_bytes(8, "little") + b".", id="a byte array of 10 GB"),
        pytest.param(b"\x80\x04\x8d" + (10**10).to_bytes(8, "little") + b".", id="a string of 10 GB"),
        pytest.param(b"\x80\x02" + b"]" + b"2" * 60 + b"e" * 60 + b".", id="stack errors"),
        pytest.param(b"\x80\x02" + b"(" * 10_000_000 + b".", id="ten million marks"),
    ],
)
def test_a_small_file_that_claims_much_memory_does_not_get_it(bomb: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(BenchmarkFileError):
        load_pickle(bomb, "x")
    # KiB; the largest of these files has ten megabytes itself.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(part) for item in value.items() for part in item)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str | bytes | bytearray)


def test_a_pickle_truncated_anywhere_is_refused(networks: bytes) -> None:
    for length in range(len(networks)):
        with pytest.raises(BenchmarkFileError):
            load_pickle(networks[:length], "x")


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("flips", [1, 2, 8])
def test_a_pickle_with_flipped_bits_is_refused_or_plain_data(networks: bytes, flips: int) -> None:
    rng = np.random.default_rng(flips)
    for _ in range(500):
        damaged = bytearray(networks)
        for place in rng.integers(len(damaged), size=flips):
            damaged[place] ^= 1 << int(rng.integers(8))
        try:
            value = load_pickle(bytes(damaged), "x")
        except BenchmarkFileError:
            continue
        assert _is_plain(value), bytes(damaged)
