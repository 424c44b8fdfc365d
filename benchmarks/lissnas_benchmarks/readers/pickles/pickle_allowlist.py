"""The only constructors that a pickle may call: they make dictionaries, sets, bytes and plain numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np


class RefusedError(Exception):
    """A pickle contains something that no such file contains."""


class Constructor:
    """A harmless replacement for a constructor that a pickle names; only `call` runs it.

    Parameters
    ----------
    make
        The function to call. Its arguments may be anything that a pickle contains.
    is_class
        Whether a pickle may also make an object of it without arguments.
    """

    def __init__(self, make: Callable[..., Any], is_class: bool = False) -> None:
        self._make, self.is_class = make, is_class

    def call(self, arguments: tuple[Any, ...]) -> Any:
        """Return the object made of the arguments; raises RefusedError if it does not take them."""
        try:
            return self._make(*arguments)
        except TypeError as error:
            raise RefusedError("a constructor gets arguments that it does not take") from error


class Stateful:
    """An object whose state a pickle may set after making it."""

    def set_state(self, state: Any) -> None:
        """Set the state; raises RefusedError if it is of another form."""
        raise NotImplementedError


class NumberType(Stateful):
    """Replacement for a numpy dtype: the kind, size and byte order of a plain number."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def set_state(self, state: Any) -> None:
        """Set the byte order, the only information in the state of a plain number type."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise RefusedError("the state of a dtype is not that of a plain number")
        self.dtype = self.dtype.newbyteorder(state[1])


def checked_key(key: Any) -> Any:
    """Return a key if it is a number, a string, or a tuple of few of them; raises RefusedError for anything else."""
    if type(key) in _KEYS:
        return key
    if type(key) is tuple and len(key) <= _MAX_KEY_PARTS:
        if all(type(part) in _KEYS for part in key):
            return key
        if all(type(part) is tuple and _is_pair_of_cells(part) for part in key):
            return key
    raise RefusedError(f"a {type(key).__name__} is used as a key")


def _is_pair_of_cells(cell: tuple[Any, ...]) -> bool:
    """Tell whether a part of a key is a cell as NASLib writes it: up to 16 pairs of numbers."""
    return len(cell) <= _MAX_KEY_PARTS and all(
        type(pair) is tuple and len(pair) == 2 and all(type(part) is int for part in pair) for pair in cell
    )


def short_text(value: Any) -> str:
    """Return a short text for an error message, whatever the value from the file is."""
    if type(value) in (str, bytes, int, float, bool):
        text = ascii(value[:100] if isinstance(value, str | bytes) else value)
        return text if len(text) <= 100 else f"{text[:100]}..."
    return f"a {type(value).__name__}"


_KEYS = frozenset({int, float, bool, str, type(None)})

_MAX_KEY_PARTS = 16
"""Maximum length of a tuple that is a key. Hashing a long tuple many times would take long."""

_NUMBERS = frozenset(
    kind + str(size) for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items() for size in sizes
) | {"b1"}


def _ordered_dict() -> dict[Any, Any]:
    return {}


def _number_type(name: Any, align: Any = False, copy: Any = True) -> NumberType:
    if type(name) is not str or name not in _NUMBERS:
        raise RefusedError("a dtype is not a plain number")
    return NumberType(name)


def _number(kind: Any, data: Any) -> int | float | bool:
    if type(kind) is not NumberType or type(data) is not bytes or len(data) != kind.dtype.itemsize:
        raise RefusedError("a number whose type is not plain or whose length is wrong")
    number: int | float | bool = np.frombuffer(data, dtype=kind.dtype)[0].item()
    return number


def _encode(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise RefusedError("bytes that are not encoded as latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _set(items: Any) -> set[Any]:
    if type(items) is not list:
        raise RefusedError("a set that is not made from a list")
    return set(map(checked_key, items))


CONSTRUCTORS = {
    ("collections", "OrderedDict"): Constructor(_ordered_dict),
    ("numpy", "dtype"): Constructor(_number_type),
    ("numpy.core.multiarray", "scalar"): Constructor(_number),
    ("numpy._core.multiarray", "scalar"): Constructor(_number),
    ("_codecs", "encode"): Constructor(_encode),
    ("builtins", "bytes"): Constructor(_no_bytes),
    ("__builtin__", "bytes"): Constructor(_no_bytes),
    ("builtins", "set"): Constructor(_set),
    ("__builtin__", "set"): Constructor(_set),
}
"""The allowed constructors by module and name, as old and new pickles write them."""
