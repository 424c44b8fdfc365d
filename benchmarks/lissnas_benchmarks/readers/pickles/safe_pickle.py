"""Load a pickle without running anything in it: containers, plain numbers, strings, and objects without behavior."""

import io
import itertools
from collections.abc import Set
from typing import Any

import numpy as np
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


class Record(Stateful):
    """Replacement for an object of a class that a file names: its attributes without behavior."""

    def set_state(self, state: Any) -> None:
        if type(state) is not dict or not all(type(name) is str for name in state):
            raise RefusedError("the state of a record is not a dictionary of attributes")
        self.__dict__.update(state)


class NumberArray(Stateful):
    """Replacement for a numpy array of numbers; the numbers are in `values`."""

    values: NDArray[Any]

    def set_state(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise RefusedError("the state of an array has another form")
        _version, shape, kind, in_columns, data = state
        if type(kind) is not NumberType or type(data) is not bytes or type(in_columns) is not bool:
            raise RefusedError("an array of something other than numbers")
        if type(shape) is not tuple or not all(type(length) is int and length >= 0 for length in shape):
            raise RefusedError("the shape of an array is not a tuple of lengths")
        self.values = np.frombuffer(data, dtype=kind.dtype).reshape(shape, order="F" if in_columns else "C")


def _empty_array(kind: object, shape: object, code: object) -> NumberArray:
    """Replace the function that numpy makes empty arrays with; the array's state follows in the pickle."""
    return NumberArray()


def _ndarray() -> NumberArray:
    raise RefusedError("an array that was not pickled by numpy")


ARRAY_CONSTRUCTORS = {
    ("numpy", "ndarray"): Constructor(_ndarray),
    ("numpy.core.multiarray", "_reconstruct"): Constructor(_empty_array),
    ("numpy._core.multiarray", "_reconstruct"): Constructor(_empty_array),
}
"""The constructors of arrays by module and name, as old and new pickles write them."""


def load_pickle(
    data: bytes,
    name: str,
    records: Set[tuple[str, str]] = frozenset(),
    arrays: bool = False,
    extra: dict[tuple[str, str], Constructor] | None = None,
) -> Any:
    """Return the value of a pickle, built only from containers, numbers, strings and records.

    Parameters
    ----------
    data
        The bytes of the file.
    name
        The file's name in error messages.
    records
        The classes, as (module, name), whose objects the pickle may contain; they are read as `Record`.
    arrays
        Whether the pickle may contain numpy arrays of numbers; they are read as `NumberArray`.
    extra
        Further constructors that the pickle may call.

    Raises
    ------
    BenchmarkFileError
        If the file is truncated, is not a pickle of protocol 2 to 5, or contains anything else.
    """
    constructors = CONSTRUCTORS | dict.fromkeys(records, Constructor(Record, is_class=True)) | (extra or {})
    if arrays:
        constructors |= ARRAY_CONSTRUCTORS
    no_templates = FloatDictReader(max_templates=0)  # every dictionary is then a dict
    stream = PickleStream(io.BytesIO(data), name, float_dicts=no_templates, constructors=constructors, size=len(data))
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
    """Raise RefusedError if the value contains anything but containers, numbers, strings and records."""
    pending, visited = [value], set()
    while pending:
        part = pending.pop()
        kind = type(part)
        if kind in _CONTAINERS:
            if id(part) not in visited:
                visited.add(id(part))
                parts = vars(part) if kind is Record else part
                items = itertools.chain(parts, parts.values()) if isinstance(parts, dict) else parts
                pending.extend(item for item in items if type(item) not in _PLAIN)
        elif kind is NumberArray:
            if not hasattr(part, "values"):
                raise RefusedError("an array without its numbers")
        elif kind not in _PLAIN:
            raise RefusedError(f"a bare {kind.__name__}")
