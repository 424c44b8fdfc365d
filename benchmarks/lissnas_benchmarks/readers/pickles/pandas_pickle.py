"""Read a pickled pandas frame of numbers and text without pandas, and without running anything in it.

The layout is that of `to_pickle` in pandas 1.x, with numpy's arrays as blocks of columns x rows.
"""

import io
from typing import Any

import numpy as np
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_allowlist import (
    CONSTRUCTORS,
    Constructor,
    NumberType,
    RefusedError,
    Stateful,
)
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream

_MAX_COLUMNS = 10_000

_VERSION = "0.14.1"
"""The key of the layout of blocks that pandas 1.x writes."""


class _Part(Stateful):
    """Replacement for a frame or its block manager: the state, without behavior."""

    state: Any = None

    def set_state(self, state: Any) -> None:
        self.state = state


class _TextType(Stateful):
    """Replacement for numpy's type of objects, whose arrays may have text only."""

    def set_state(self, state: Any) -> None:
        pass


class _Array(Stateful):
    """Replacement for a numpy array of numbers or of text, two-dimensional or flat."""

    values: NDArray[Any] = np.empty(0)

    def set_state(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise RefusedError("the state of an array has another form")
        _version, shape, kind, in_columns, data = state
        if type(kind) is _TextType:
            if type(data) is not list or not all(type(text) is str for text in data):
                raise RefusedError("an array of objects that are not text")
            values: NDArray[Any] = np.array(data, dtype=object)
        else:
            values = _numbers(data, kind)
        self.values = _shaped(values, shape, "F" if in_columns is True else "C")


def _numbers(data: Any, kind: Any) -> NDArray[Any]:
    if type(kind) is not NumberType or type(data) is not bytes or len(data) % kind.dtype.itemsize:
        raise RefusedError("an array of something other than numbers")
    return np.frombuffer(data, dtype=kind.dtype)


def _shaped(values: NDArray[Any], shape: Any, order: Any) -> NDArray[Any]:
    if type(shape) is not tuple or not all(type(length) is int and length >= 0 for length in shape):
        raise RefusedError("the shape of an array is not a tuple of lengths")
    if not 1 <= len(shape) <= 2 or order not in ("C", "F") or int(np.prod(shape, dtype=object)) != len(values):
        raise RefusedError("an array of another shape than its content")
    return values.reshape(shape, order=order)


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.values = _shaped(_numbers(data, kind), shape, order)
    return array


def _type(name: Any, align: Any = False, copy: Any = True) -> Any:
    if name in ("O8", "O"):
        return _TextType()
    return CONSTRUCTORS["numpy", "dtype"].call((name, align, copy))


def _empty_array(kind: object, shape: object, code: object) -> _Array:
    return _Array()


def _index(kind: object, state: Any) -> Any:
    if type(state) is not dict:
        raise RefusedError("an index of another form")
    return state.get("data")


def _slice(start: Any, stop: Any, step: Any) -> list[int]:
    if not all(type(place) is int for place in (start, stop, step)) or not 0 <= start <= stop <= _MAX_COLUMNS:
        raise RefusedError("a slice of another form")
    return list(range(start, stop, step or 1))


def _never() -> Any:
    raise RefusedError("an object of a class that only names a kind")


_FRAME_CONSTRUCTORS = CONSTRUCTORS | {
    ("pandas.core.frame", "DataFrame"): Constructor(_Part, is_class=True),
    ("pandas.core.internals.managers", "BlockManager"): Constructor(_Part, is_class=True),
    ("pandas.core.indexes.base", "_new_Index"): Constructor(_index),
    ("pandas.core.indexes.base", "Index"): Constructor(_never),
    ("pandas.core.indexes.range", "RangeIndex"): Constructor(_never),
    ("numpy", "dtype"): Constructor(_type),
    ("numpy", "ndarray"): Constructor(_never),
    ("builtins", "slice"): Constructor(_slice),
    **{
        (f"numpy.{core}.{module}", name): Constructor(make)
        for core in ("core", "_core")
        for module, name, make in (
            ("numeric", "_frombuffer", _from_buffer),
            ("multiarray", "_reconstruct", _empty_array),
        )
    },
}


def read_pandas_pickle(data: bytes, name: str) -> dict[str, Floats | list[str]]:
    """Return the columns of a frame by their names: float64 of shape (rows,), or a list of text.

    Raises BenchmarkFileError if the file is truncated, or anything but a frame of numbers and text.
    """
    stream = PickleStream(
        io.BytesIO(data), name, float_dicts=FloatDictReader(0), constructors=_FRAME_CONSTRUCTORS, size=len(data)
    )
    value = stream.load()
    stream.check_ended()
    try:
        return _columns(value)
    except (RefusedError, LookupError, TypeError, AttributeError, ValueError) as error:
        raise BenchmarkFileError(f"{name}: not a frame of numbers and text as pandas 1 pickles it ({error})") from error


def _columns(frame: Any) -> dict[str, Floats | list[str]]:
    layout = frame.state["_data"].state[3][_VERSION]
    names = layout["axes"][0].values
    if names.ndim != 1 or len(set(names.tolist())) != len(names):
        raise RefusedError("the names of its columns are not different texts")
    columns: dict[str, Floats | list[str]] = {}
    for block in layout["blocks"]:
        values, places = block["values"].values, block["mgr_locs"]
        if values.ndim != 2 or len(values) != len(places):
            raise RefusedError("a block does not have a row for each of its columns")
        for place, column in zip(places, values, strict=True):
            columns[names[place]] = column.tolist() if column.dtype == object else column.astype(np.float64)
    if len(columns) != len(names) or len({len(column) for column in columns.values()}) != 1:
        raise RefusedError("its columns are not complete")
    return {name: columns[name] for name in names}
