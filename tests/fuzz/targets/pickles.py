"""The two readers of pickles, without an adapter."""

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import mutations
import numpy as np
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream
from lissnas_benchmarks.readers.pickles.safe_pickle import load_pickle

from targets.target import Target

_RECORDS = frozenset({("their.module", "Cell")})

_CELL = (
    b"\x80\x04]ctheir.module\nCell\n)\x81}(X\x03\x00\x00\x00accG@V\x80\x00\x00\x00\x00\x00"
    b"X\x04\x00\x00\x00costK\x05uba."
)


def pickled(value: Any, protocol: int) -> bytes:
    """Pickle with numpy's old name where that does not change the length of a frame."""
    data = pickle.dumps(value, protocol)
    return data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else data


def _plain_seeds() -> list[bytes]:
    values = [
        {7: {"perf": np.float64(0.5), "para": 3}, 8: {"perf": np.float64(0.25), "para": 2}},
        {(0, 1): OrderedDict(a=[1.5, None, True], b="ü"), 2**70: ((), "y", -1)},
        {"latency": np.arange(6.0), "matrix": np.arange(6, dtype=np.int16).reshape(2, 3)},
    ]
    return [pickled(value, protocol) for value in values for protocol in (2, 3, 4)] + [_CELL]


def _read_plain(path: Path) -> object:
    value = load_pickle(path.read_bytes(), path.name, _RECORDS, arrays=True)
    _assert_plain(value)
    return type(value).__name__


def _assert_plain(value: Any) -> None:
    left, seen = [value], set()
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        name = type(part).__name__
        if isinstance(part, dict):
            left += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            left += part
        elif name == "Record":
            left += vars(part).values()
        elif name in ("NumberArray", "FloatDict"):
            assert part.values.dtype.kind in "fiub"
        else:
            assert part is None or isinstance(part, int | float | str | bytes | bytearray), name


def _stream_seeds() -> list[bytes]:
    curve = {f"x-valid@{epoch}": epoch / 7 for epoch in range(8)}
    values = [
        [curve, dict(curve), dict(enumerate(curve.values())), OrderedDict(enumerate(curve.values()))],
        {"runs": [1, 2.5, None, "text"], "set": {1, 2}, "scale": np.float64(2), (1, "a"): b"bytes"},
    ]
    return [pickled(value, protocol) for value in values for protocol in (2, 3, 4, 5)]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError("a class")


def _read_stream(path: Path) -> object:
    """Compare what is read with what pickle reads, where that needs no classes."""
    data = path.read_bytes()
    stream = PickleStream(io.BytesIO(data), path.name)
    value = stream.load()
    stream.check_ended()
    try:
        expected = _Unpickler(io.BytesIO(data)).load()
    except Exception:
        return "with classes, or damaged where it does not matter"
    assert repr(_as_dicts(value)) == repr(expected), "read otherwise than pickle reads it"
    return type(value).__name__


def _as_dicts(value: Any) -> Any:
    if type(value).__name__ == "FloatDict":
        return dict(zip(value.keys, value.values.tolist(), strict=True))
    if isinstance(value, dict):
        return {key: _as_dicts(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_as_dicts, value))
    return value


TARGETS = (
    Target("plain pickle", _plain_seeds, _read_plain, mutations.pickles),
    Target("pickle stream, float dicts", _stream_seeds, _read_stream, mutations.pickles),
)
