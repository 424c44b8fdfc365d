"""Reading a pickle without running anything in it: a closed table of constructors, plain numbers only."""

import io
import itertools
import pickle
from collections import OrderedDict
from collections.abc import Callable, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.memory_limit import memory_limit

_NUMBERS = frozenset(
    kind + str(size) for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items() for size in sizes
) | {"b1"}


_MEMORY_PER_BYTE = 64
"""How many bytes of objects a byte of a pickle may become; real files need about 25."""

_MEMORY = 1 << 28
"""What every pickle may take beside that."""


class Record:
    """What stands in for an object of a class that a file names: its attributes, and no behaviour."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError(f"the state of a record is a {type(state).__name__}, not a dict")
        self.__dict__.update(state)


class _NumberType:
    """What stands in for a numpy dtype: only its number kind, size and byte order."""

    def __init__(self, name: str, align: bool = False, copy: bool = True) -> None:
        if name not in _NUMBERS:
            raise pickle.UnpicklingError(f"dtype {name!r} is not a plain number")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def _number(kind: _NumberType, data: bytes) -> int | float | bool:
    if len(data) != kind.dtype.itemsize:
        raise pickle.UnpicklingError(f"a {kind.dtype} of {len(data)} bytes")
    number: int | float | bool = np.frombuffer(data, dtype=kind.dtype)[0].item()
    return number


class Numbers:
    """What stands in for a numpy array of numbers: `values`, and no behaviour."""

    values: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, in_columns, data = state
        if not isinstance(kind, _NumberType) or not isinstance(data, bytes):
            raise pickle.UnpicklingError("an array of something other than numbers")
        self.values = np.frombuffer(data, dtype=kind.dtype).reshape(shape, order="F" if in_columns else "C")


def _numbers(kind: object, shape: object, code: object) -> Numbers:
    """Stand in for the function that numpy makes empty arrays with; their state follows."""
    return Numbers()


_CONSTRUCTORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): _NumberType,
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "scalar"): _number,
}

_ARRAY_CONSTRUCTORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): Numbers,
    ("numpy.core.multiarray", "_reconstruct"): _numbers,
    ("numpy._core.multiarray", "_reconstruct"): _numbers,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, records: Set[tuple[str, str]], arrays: bool) -> None:
        super().__init__(io.BytesIO(data))
        self._records = records
        self._constructors = _CONSTRUCTORS | _ARRAY_CONSTRUCTORS if arrays else _CONSTRUCTORS

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in self._records:
            return Record
        if (module, name) in self._constructors:
            return self._constructors[module, name]
        raise pickle.UnpicklingError(f"{module}.{name} is not on the list of what it may hold")


def load_pickle(data: bytes, name: str, records: Set[tuple[str, str]] = frozenset(), arrays: bool = False) -> Any:
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

    Raises
    ------
    BenchmarkFileError
        If the file is cut short, is no pickle, or names anything else.
    """
    try:
        with memory_limit(_MEMORY_PER_BYTE * len(data) + _MEMORY):
            value = _Unpickler(data, records, arrays).load()
        _check_plain(value)
    except Exception as error:  # a damaged pickle may raise anything; none of it has run foreign code
        raise BenchmarkFileError(f"{name}: cannot be read as a pickle of plain data ({error})") from error
    return value


_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})

_CONTAINERS = frozenset({Record, dict, OrderedDict, list, tuple, set, frozenset})


def _check_plain(value: Any) -> None:
    """Raise UnpicklingError if anything but containers, numbers, strings and records is left."""
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
                raise pickle.UnpicklingError("an array without its numbers")
        elif kind not in _PLAIN:
            raise pickle.UnpicklingError(f"a bare {kind.__name__}")
