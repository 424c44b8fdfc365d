"""Read a pickle of any size in one pass and in little memory, without running anything in it.

The reader knows containers, numbers, strings and a closed list of constructors. It hands each complete record to the
caller, and keeps in the record's place what the caller returns. No more than one record is in memory at a time.
"""

import pickle
import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_allowlist import (
    CONSTRUCTORS,
    Constructor,
    NumberType,
    RefusedError,
    Stateful,
    checked_key,
    short_text,
)

_double = struct.Struct(">d").unpack_from

# The opcodes that are understood. A pickle is a program for a stack machine: most opcodes push a value, and some
# combine the topmost values. A dictionary of opcodes gives the size in bytes of the argument, or of its length.

_PROTO = pickle.PROTO[0]  # the first opcode: states the protocol
_FRAME = pickle.FRAME[0]  # announces how many bytes follow; not needed here
_STOP = pickle.STOP[0]  # the end: the one value on the stack is the result
_MARK = pickle.MARK[
    0
]  # remembers the place in the stack from which TUPLE, APPENDS, SETITEMS, ADDITEMS take their items
_GETS = {pickle.BINGET[0]: 1, pickle.LONG_BINGET[0]: 4}  # push the value that the memo has under a number
_PUTS = {pickle.BINPUT[0]: 1, pickle.LONG_BINPUT[0]: 4}  # store the topmost value in the memo under a number
_MEMOIZE = pickle.MEMOIZE[0]  # stores the topmost value in the memo under the next number
_BINFLOAT = pickle.BINFLOAT[0]  # pushes a float of 8 bytes
_BININT1 = pickle.BININT1[0]  # pushes an integer of 1 byte
_INTEGERS = {pickle.BININT2[0]: 2, pickle.BININT[0]: 4}  # push an integer of 2 or 4 bytes
_LONG1 = pickle.LONG1[0]  # pushes an integer of up to 255 bytes
_CONSTANTS = {pickle.NONE[0]: None, pickle.NEWTRUE[0]: True, pickle.NEWFALSE[0]: False}  # push None, True, False
_BYTES = {pickle.SHORT_BINBYTES[0]: 1, pickle.BINBYTES[0]: 4, pickle.BINBYTES8[0]: 8, pickle.BYTEARRAY8[0]: 8}
_STRINGS = {pickle.BINUNICODE[0]: 4, pickle.SHORT_BINUNICODE[0]: 1, pickle.BINUNICODE8[0]: 8, **_BYTES}  # push it
_EMPTY_DICT = pickle.EMPTY_DICT[0]  # pushes {}
_SETITEMS = pickle.SETITEMS[0]  # adds the keys and values since the mark to the dictionary below it
_SETS_ITEMS = frozenset((_SETITEMS, pickle.SETITEM[0]))  # SETITEM adds one key and value
_EMPTY_LIST = pickle.EMPTY_LIST[0]  # pushes []
_APPENDS = pickle.APPENDS[0]  # adds the items since the mark to the list below it
_APPENDS_ITEMS = frozenset((_APPENDS, pickle.APPEND[0]))  # APPEND adds one item
_EMPTY_SET = pickle.EMPTY_SET[0]  # pushes set()
_ADDITEMS = pickle.ADDITEMS[0]  # adds the items since the mark to the set below it
_TUPLE = pickle.TUPLE[0]  # makes a tuple of the items since the mark
_TUPLES = {pickle.EMPTY_TUPLE[0]: 0, pickle.TUPLE1[0]: 1, pickle.TUPLE2[0]: 2, pickle.TUPLE3[0]: 3}  # of 0 to 3 items
_GLOBAL = pickle.GLOBAL[0]  # pushes a constructor, by the module and name in the next two lines
_STACK_GLOBAL = pickle.STACK_GLOBAL[0]  # pushes a constructor, by the module and name on the stack
_REDUCE = pickle.REDUCE[0]  # calls the constructor below the topmost tuple with that tuple's items
_NEW = pickle.NEWOBJ[0]  # makes an object of the class below the topmost tuple
_BUILD = pickle.BUILD[0]  # gives the topmost value to the object below it as its state

_READ = 1 << 20
"""Number of bytes read from the file at a time."""

_AHEAD = 1 << 16
"""Number of bytes in memory after every opcode, besides the longest string, unless the file ends before."""

_MAX_STRING = 1 << 16
"""Maximum length of a string in bytes, unless the complete file is in memory anyway."""

_MAX_VALUES = 6_000_000
"""Maximum number of values in memory at once, each of about 100 bytes; a real file needs 100,000."""

_BYTES_PER_VALUE = 64
"""A string counts as one more value for each 64 bytes."""

_MAX_BYTES = 1 << 34
"""Maximum number of bytes that a file may decompress to; the largest real file has a third of that."""

_MAX_SHARED = 4
"""Maximum length of a tuple of integers, or of bytes, that a later record may refer to."""

_MAX_DEPTH = 64
"""Maximum depth of nested containers."""


DROPPED = RefusedError("a part of an earlier record")
"""Replaces a part of an earlier record, which is not in memory any more."""


class Readable(Protocol):
    """A binary file, of which only `read` is needed."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; b"" at the end of the file."""


class PickleStream:
    """Reads the pickles of a file, one after another.

    Parameters
    ----------
    file
        The file to read.
    name
        The file's name in error messages.
    marker, finish
        A dictionary with the key `marker`, or with one of several, is a record. When it is complete, `finish` is called
        with it, and the value that `finish` returns takes its place. Later parts of the pickle may not refer to the
        contents of a record, except to constructors, numbers, short tuples of integers, and ASCII strings without "@"
        (the names of epochs have one).
    float_dicts
        A reader that has already learned the templates of such files.
    progress
        Called now and then with the number of bytes read.
    constructors
        The constructors that the pickle may call, by module and name.
    size
        The file's length if it is in memory: a string may then be as long.
    max_values
        Maximum number of values in memory at once; None for six million.
    max_shared
        Maximum length of a string in a record that later parts may refer to.
    refuses_references
        Whether a reference to anything else in a record is refused; otherwise it is read as `DROPPED`.

    Notes
    -----
    Memory is bounded for any input. A string has at most 64 KiB, a memo number costs nothing until it is used, and the
    number of values in memory is limited. Time is bounded, too. Keys are numbers, strings or short tuples of them, and
    tuples are at most two deep, or three of few numbers, because hashing a tuple of tuples of tuples can take forever.
    A dictionary of floats may come as a `FloatDict`.
    """

    def __init__(
        self,
        file: Readable,
        name: str,
        marker: str | tuple[str, ...] = "",
        finish: Callable[[dict[Any, Any]], Any] | None = None,
        float_dicts: FloatDictReader | None = None,
        progress: Callable[[int], None] = lambda count: None,
        constructors: Mapping[tuple[str, str], Constructor] = CONSTRUCTORS,
        size: int = 0,
        max_values: int | None = None,
        max_shared: int = _MAX_STRING,
        refuses_references: bool = True,
    ) -> None:
        self._file, self._name, self._progress = file, name, progress
        self._markers, self._finish = frozenset((marker,) if isinstance(marker, str) else marker), finish
        self._float_dicts = float_dicts or FloatDictReader()
        self._constructors = constructors
        self._max_string = max(_MAX_STRING, size)
        self._ahead = _AHEAD + self._max_string
        self._max_shared, self._refuses_references = max_shared, refuses_references
        self._max_values = (max_values or _MAX_VALUES) + size // _BYTES_PER_VALUE
        self._window, self._place, self._ended, self._passed = b"", 0, False, 0

    def load(self) -> Any:
        """Return the value of the next pickle; raises BenchmarkFileError if it is damaged or contains anything else."""
        try:
            return self._load()
        except RefusedError as error:
            raise BenchmarkFileError(f"{self._name}: not in the official layout ({error})") from error
        except (IndexError, struct.error) as error:
            raise BenchmarkFileError(f"{self._name}: cut short, or damaged after byte {self._passed:,}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BenchmarkFileError(f"{self._name}: damaged after byte {self._passed:,}") from error

    def check_ended(self) -> None:
        """Raise BenchmarkFileError unless the file ends here."""
        self._refill(self._place)
        if self._window:
            raise BenchmarkFileError(f"{self._name}: data follows where the file should end")

    def _refill(self, place: int) -> None:
        """Drop the window's bytes before `place`, and read on."""
        more = [self._window[place:]]
        try:
            while not self._ended and sum(map(len, more)) < _READ + self._ahead:
                more.append(self._file.read(_READ))
                self._ended = not more[-1]
        except (OSError, EOFError, ValueError) as error:
            raise BenchmarkFileError(f"{self._name}: cut short or damaged ({error})") from error
        self._passed += place
        self._window, self._place = b"".join(more), 0
        if self._passed > _MAX_BYTES:
            raise BenchmarkFileError(
                f"{self._name}: decompresses to more than {_MAX_BYTES:,} bytes, the limit for such a file"
            )
        self._progress(self._passed)

    def _limit(self, place: int) -> int:
        """Return the place in the window to stop at next, to read on or to count the values in memory."""
        return min(place + _READ, len(self._window) - (0 if self._ended else self._ahead))

    def _load(self) -> Any:
        """Run the opcodes of one pickle. Each has one branch, the frequent ones first."""
        float_dicts, markers, finish = self._float_dicts, self._markers, self._finish
        max_string, max_values = self._max_string, self._max_values
        float_dicts.forget_keys()
        nested: dict[int, tuple[Any, ...]] = {}  # the tuples that contain tuples, by their ids
        memo: dict[int, Any] = {}
        recent: list[int] = []  # the memo numbers in use, in the order they were put
        last = -1  # the latest memo number
        memoized = 0  # number of values that MEMOIZE has numbered
        count = 0  # number of values in memory
        stack: list[Any] = []
        marks: list[tuple[list[Any], int, int, int]] = []
        self._refill(self._place)
        window, place = self._window, 0
        view, limit = np.frombuffer(window, dtype=np.uint8), self._limit(0)
        while True:
            if place >= limit:
                if self._ended and place >= len(window):
                    raise IndexError
                if not self._ended:
                    self._refill(place)
                    window, place = self._window, 0
                    view = np.frombuffer(window, dtype=np.uint8)
                limit = self._limit(place)
                if count + len(stack) > max_values:
                    raise RefusedError(f"more than {max_values:,} values in memory at once")
            operation = window[place]
            place += 1
            if operation in _GETS:
                size = _GETS[operation]
                number = int.from_bytes(window[place : place + size], "little")
                place += size
                value = memo.get(number, memo)
                if value is memo and (value := float_dicts.key(number)) is None:
                    if self._refuses_references:
                        raise RefusedError("a reference to a value that is missing, or inside of another record")
                    value = DROPPED
                stack.append(value)
            elif operation in _PUTS:
                size = _PUTS[operation]
                last = int.from_bytes(window[place : place + size], "little")
                place += size
                memo[last] = stack[-1]
                recent.append(last)
                count += 1
            elif operation == _MEMOIZE:
                last = memoized
                memoized += 1
                memo[last] = stack[-1]
                recent.append(last)
                count += 1
            elif operation == _MARK:
                if stack and type(stack[-1]) is dict and not stack[-1]:
                    read = float_dicts.read(window, view, place, memoized)
                    if read is not None:
                        if memo.get(last) is stack[-1]:
                            memo[last] = read[0]
                        stack[-1], place = read[0], read[1]
                        memoized += read[2]
                        count += 1 + len(read[0].keys) // 8
                        continue
                if len(marks) >= _MAX_DEPTH:
                    raise RefusedError(f"containers nested more than {_MAX_DEPTH} deep")
                marks.append((stack, count, len(recent), last))
                stack = []
            elif operation == _BINFLOAT:
                stack.append(_double(window, place)[0])
                place += 8
            elif operation in _STRINGS:
                size = _STRINGS[operation]
                length = int.from_bytes(window[place : place + size], "little")
                if length > max_string:
                    raise RefusedError(f"a string of {length:,} bytes")
                data = window[place + size : place + size + length]
                place += size + length
                if len(data) != length:
                    raise IndexError
                stack.append(data if operation in _BYTES else data.decode("utf-8", "surrogatepass"))
                count += 1 + length // _BYTES_PER_VALUE
            elif operation == _BININT1:
                stack.append(window[place])
                place += 1
            elif operation in _SETS_ITEMS:
                if operation == _SETITEMS:
                    items = stack
                    stack, count_before, recent_before, number = marks.pop()
                else:
                    items = stack[-2:]
                    del stack[-2:]
                target = stack[-1]
                if type(target) is not dict or len(items) % 2:
                    raise RefusedError("items are added to something that is not a dictionary")
                for key, value in zip(items[::2], items[1::2], strict=True):
                    target[checked_key(key)] = value
                count += len(items)
                if finish is not None and operation == _SETITEMS and not markers.isdisjoint(target):
                    stack[-1] = finish(target)
                    if memo.get(number) is target:
                        memo[number] = stack[-1]
                    count = count_before + _tidy(memo, recent, recent_before, self._max_shared)
                    float_dicts.forget_keys()
            elif operation == _EMPTY_DICT:
                stack.append({})
                count += 1
            elif operation == _REDUCE:
                arguments = stack.pop()
                if type(arguments) is not tuple or type(stack[-1]) is not Constructor:
                    raise RefusedError("a call of something that is not a constructor")
                stack[-1] = stack[-1].call(arguments)
                count += 1
            elif operation in _TUPLES:
                size = _TUPLES[operation]
                if len(stack) < size:
                    raise IndexError
                items = stack[len(stack) - size :]
                del stack[len(stack) - size :]
                stack.append(_tuple(items, nested))
                count += 1 + size
            elif operation == _TUPLE:
                items = stack
                stack = marks.pop()[0]
                stack.append(_tuple(items, nested))
                count += 1 + len(items)
            elif operation in _APPENDS_ITEMS:
                if operation == _APPENDS:
                    items = stack
                    stack = marks.pop()[0]
                else:
                    items = [stack.pop()]
                if type(stack[-1]) is not list:
                    raise RefusedError("items are added to something that is not a list")
                stack[-1].extend(items)
                count += len(items)
            elif operation == _EMPTY_LIST:
                stack.append([])
                count += 1
            elif operation in _CONSTANTS:
                stack.append(_CONSTANTS[operation])
            elif operation in _INTEGERS:
                size = _INTEGERS[operation]
                stack.append(int.from_bytes(window[place : place + size], "little", signed=size == 4))
                place += size
            elif operation == _FRAME:
                place += 8
            elif operation == _STOP:
                if len(stack) != 1 or marks:
                    raise RefusedError("it ends before a value is complete")
                self._place = place
                return stack[0]
            elif operation == _PROTO:
                if not 2 <= window[place] <= 5:
                    raise RefusedError("not a pickle of protocol 2 to 5")
                place += 1
            elif operation == _BUILD:
                state = stack.pop()
                if not isinstance(stack[-1], Stateful):
                    raise RefusedError("a state for a value that takes none")
                stack[-1].set_state(state)
            elif operation == _NEW:
                arguments = stack.pop()
                if type(stack[-1]) is not Constructor or not stack[-1].is_class or arguments != ():
                    raise RefusedError("a new object of something that is not a class")
                stack[-1] = stack[-1].call(())
                count += 2
            elif operation == _GLOBAL:
                middle = window.index(b"\n", place, place + 256)
                end = window.index(b"\n", middle + 1, middle + 256)
                stack.append(self._constructor(window[place:middle].decode(), window[middle + 1 : end].decode()))
                place = end + 1
            elif operation == _STACK_GLOBAL:
                name, module = stack.pop(), stack.pop()
                stack.append(self._constructor(module, name))
            elif operation == _LONG1:
                size = window[place]
                if size > 16:
                    raise RefusedError("an integer beyond 128 bits")
                stack.append(int.from_bytes(window[place + 1 : place + 1 + size], "little", signed=True))
                place += 1 + size
            elif operation == _EMPTY_SET:
                stack.append(set())
                count += 2
            elif operation == _ADDITEMS:
                items = stack
                stack = marks.pop()[0]
                if type(stack[-1]) is not set:
                    raise RefusedError("items are added to something that is not a set")
                stack[-1].update(map(checked_key, items))
                count += len(items)
            else:
                raise RefusedError(f"opcode {operation:#x}")

    def _constructor(self, module: Any, name: Any) -> Constructor:
        if type(module) is not str or type(name) is not str or (module, name) not in self._constructors:
            named = ".".join(part[:80] if type(part) is str else short_text(part) for part in (module, name))
            raise RefusedError(f"{named} is not on the list of what it may contain")
        return self._constructors[module, name]


def _tuple(items: list[Any], nested: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the items as a tuple; raises RefusedError if tuples would be three deep, unless they are few numbers."""
    result = tuple(items)
    inner = [item for item in items if type(item) is tuple and item]
    if inner:
        if any(id(item) in nested for item in inner):
            checked_key(result)
        nested[id(result)] = result
    return result


def _tidy(memo: dict[int, Any], recent: list[int], before: int, max_shared: int) -> int:
    """Remove from the memo what a complete record put there, except what others may share; return how much is left."""
    put = recent[before:]
    shared = {number for number in put if number in memo and _may_be_shared(memo[number], max_shared)}
    for number in shared.symmetric_difference(put):
        memo.pop(number, None)
    del recent[before:]
    return len(shared)


def _may_be_shared(value: Any, max_shared: int) -> bool:
    if type(value) is str:
        return len(value) <= max_shared and "@" not in value and value.isascii()
    if type(value) is tuple or type(value) is bytes:  # in the calls that make arrays
        return len(value) <= _MAX_SHARED and all(type(part) is int for part in value)
    return type(value) in (Constructor, NumberType, float)
