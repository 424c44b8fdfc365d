"""Reading a whole pickle without running anything in it: containers, plain numbers, strings and bare records."""

import io
import itertools
from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickle_allowlist import CONSTRUCTORS, Constructor, NumberType, RefusedError, Stateful
from lissnas_benchmarks.readers.pickle_stream import PickleStream


class Record(Stateful):
    """What stands in for an object of a class that a file names: its attributes, and no behavior."""

    def set_state(self, state: Any) -> None:
        if type(state) is not dict or not all(type(name) is str for name in state):
            raise RefusedError("the state of a record is no dictionary of attributes")
        self.__dict__.update(state)


class Numbers(Stateful):
    """What stands in for a numpy array of numbers: `values`, and no behavior."""

    values: NDArray[Any]

    def set_state(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise RefusedError("the state of an array is another")
        _version, shape, kind, in_columns, data = state
        if type(kind) is not NumberType or type(data) is not bytes or type(in_columns) is not bool:
            raise RefusedError("an array of something other than numbers")
        if type(shape) is not tuple or not all(type(length) is int and length >= 0 for length in shape):
            raise RefusedError("the shape of an array is another")
        self.values = np.frombuffer(data, dtype=kind.dtype).reshape(shape, order="F" if in_columns else "C")


def _numbers(kind: object, shape: object, code: object) -> Numbers:
    """Stand in for the function that numpy makes empty arrays with; their state follows."""
    return Numbers()


def _ndarray() -> Numbers:
    raise RefusedError("an array that is made in another way than numpy's own")


ARRAY_CONSTRUCTORS = {
    ("numpy", "ndarray"): Constructor(_ndarray),
    ("numpy.core.multiarray", "_reconstruct"): Constructor(_numbers),
    ("numpy._core.multiarray", "_reconstruct"): Constructor(_numbers),
}
"""By module and name, as pickles of any age write arrays."""


def load_pickle(
    data: bytes,
    name: str,
    records: Set[tuple[str, str]] = frozenset(),
    arrays: bool = False,
    others: dict[tuple[str, str], Constructor] | None = None,
) -> Any:
    """Return what a pickle holds, built from containers, numbers, strings and records alone.

    Parameters
    ----------
    data
        The bytes of the file.
    name
        What to call the file in an error.
    records
        The classes, as (module, name), whose objects may occur; they are read as `Record`.
    arrays
        Whether numpy arrays of numbers may occur; they are read as `Numbers`.
    others
        What else may be called.

    Raises
    ------
    BenchmarkFileError
        If the file is cut short, is no pickle of protocol 2 to 5, or names anything else.
    """
    constructors = CONSTRUCTORS | dict.fromkeys(records, Constructor(Record, is_class=True)) | (others or {})
    if arrays:
        constructors |= ARRAY_CONSTRUCTORS
    plainly = FloatDictReader(most=0)
    stream = PickleStream(io.BytesIO(data), name, float_dicts=plainly, constructors=constructors, size=len(data))
    value = stream.load()
    stream.check_ended()
    try:
        _check_plain(value)
    except RefusedError as error:
        raise BenchmarkFileError(f"{name}: not in the official layout ({error})") from error
    return value


_PLAIN = frozenset({type(None), bool, int, float, str, bytes})

_CONTAINERS = frozenset({Record, dict, list, tuple, set})


def _check_plain(value: Any) -> None:
    """Raise RefusedError if anything but containers, numbers, strings and records is left."""
    left, seen = [value], set()
    while left:
        part = left.pop()
        kind = type(part)
        if kind in _CONTAINERS:
            if id(part) not in seen:
                seen.add(id(part))
                parts = vars(part) if kind is Record else part
                held = itertools.chain(parts, parts.values()) if isinstance(parts, dict) else parts
                left.extend(item for item in held if type(item) not in _PLAIN)
        elif kind is Numbers:
            if not hasattr(part, "values"):
                raise RefusedError("an array without its numbers")
        elif kind not in _PLAIN:
            raise RefusedError(f"a bare {kind.__name__}")
