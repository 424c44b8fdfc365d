"""The only constructors that a streamed pickle may call: ordered dictionaries, sets of keys, bytes, plain numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np


class RefusedError(Exception):
    """What stands in a pickle is not what such a file holds."""


class Constructor:
    """What stands in for a named constructor; only `made` calls it.

    Parameters
    ----------
    make
        Makes what it makes, of arguments that may be anything a pickle holds.
    is_class
        Whether it may also be asked for a new object without arguments.
    """

    def __init__(self, make: Callable[..., Any], is_class: bool = False) -> None:
        self._make, self.is_class = make, is_class

    def made(self, arguments: tuple[Any, ...]) -> Any:
        """Return what it makes of the arguments, or raise RefusedError."""
        try:
            return self._make(*arguments)
        except TypeError as error:
            raise RefusedError("a constructor is given arguments that it does not take") from error


class Stateful:
    """What a pickle may give a state after it was made."""

    def set_state(self, state: Any) -> None:
        """Take the state, or raise RefusedError."""
        raise NotImplementedError


class NumberType(Stateful):
    """What stands in for a numpy dtype: the kind, size and byte order of a plain number."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def set_state(self, state: Any) -> None:
        """Take the byte order, the only thing that the state of a plain number type says."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise RefusedError("the state of a dtype is not that of a plain number")
        self.dtype = self.dtype.newbyteorder(state[1])


def checked_key(key: Any) -> Any:
    """Return what may be a key: a number, a string, or a tuple of them; raises RefusedError for anything else."""
    if type(key) in _KEYS:
        return key
    if type(key) is tuple and len(key) <= _LONGEST_KEY and all(type(part) in _KEYS for part in key):
        return key
    raise RefusedError(f"a {type(key).__name__} is used as a key")


def shown(part: Any) -> str:
    """Return what to call a part of a file in an error: a short text, whatever it is."""
    if type(part) in (str, bytes, int, float, bool):
        text = ascii(part[:100] if isinstance(part, str | bytes) else part)
        return text if len(text) <= 100 else f"{text[:100]}..."
    return f"a {type(part).__name__}"


_KEYS = frozenset({int, float, bool, str, type(None)})

_LONGEST_KEY = 16
"""How many parts a tuple may have that is a key: the hash of a long one, used again and again, takes its time."""

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
        raise RefusedError("a number of no plain type or of another length")
    number: int | float | bool = np.frombuffer(data, dtype=kind.dtype)[0].item()
    return number


def _encoded(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or encoding != "latin1":
        raise RefusedError("bytes that are not written as latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _set(items: Any) -> set[Any]:
    if type(items) is not list:
        raise RefusedError("a set is not made of a list")
    return set(map(checked_key, items))


CONSTRUCTORS = {
    ("collections", "OrderedDict"): Constructor(_ordered_dict),
    ("numpy", "dtype"): Constructor(_number_type),
    ("numpy.core.multiarray", "scalar"): Constructor(_number),
    ("numpy._core.multiarray", "scalar"): Constructor(_number),
    ("_codecs", "encode"): Constructor(_encoded),
    ("builtins", "bytes"): Constructor(_no_bytes),
    ("__builtin__", "bytes"): Constructor(_no_bytes),
    ("builtins", "set"): Constructor(_set),
    ("__builtin__", "set"): Constructor(_set),
}
"""By module and name, as pickles of any age write them."""
