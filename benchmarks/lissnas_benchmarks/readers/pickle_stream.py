"""Reading a pickle of any size in one pass and little memory, without running anything in it.

Only containers, numbers, strings and a closed table of constructors are known. Whoever reads is handed each finished
record at once and says what to keep of it, so that no more than one record is held.
"""

import pickle
import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickle_allowlist import (
    CONSTRUCTORS,
    Constructor,
    NumberType,
    RefusedError,
    Stateful,
    checked_key,
    shown,
)

_READ = 1 << 20
"""How many bytes are read at a time."""

_AHEAD = 1 << 16
"""How many bytes are at hand at every opcode beside those of a string, unless the file ends before."""

_LONGEST = 1 << 16
"""How many bytes a string may have, unless the whole file is in memory anyway."""

_MOST_HELD = 6_000_000
"""How many things may be held at once, each of about 100 bytes; a real file needs 100,000."""

_BYTES_A_THING = 64
"""How many bytes of a string count as one thing more."""

_MOST_BYTES = 1 << 34
"""How many bytes a file may unpack to; the largest real one has a third of that."""

_DEEPEST = 64


class Readable(Protocol):
    """What a pickle is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class PickleStream:
    """The pickles that stand one after another in a file.

    Parameters
    ----------
    file
        Where to read from.
    name
        What to call it in an error.
    marker, finish
        A dictionary with the key `marker` is a record: as soon as it is whole it is handed to `finish`, and what that
        returns takes its place. Nothing after a record may refer to what is in it, aside from constructors, numbers and
        strings of ASCII without an "@", which is in the names of epochs.
    float_dicts
        What was learned of such files before, if there is one.
    progress
        Told now and then how many bytes are read.
    constructors
        What may be called, by module and name.
    size
        The bytes of a file that is in memory: a string may have as many.

    Notes
    -----
    Memory is bounded whatever the file says: strings may have 64 KiB, a number in the memo costs nothing until it is
    used, and all that is held may be a stated number of things. So is time: keys are numbers, strings or short tuples
    of them, and tuples are two deep, since the hash of a tuple of tuples of tuples may take forever. A dictionary of
    floats may come as a `FloatDict`.
    """

    def __init__(
        self,
        file: Readable,
        name: str,
        marker: str = "",
        finish: Callable[[dict[Any, Any]], Any] | None = None,
        float_dicts: FloatDictReader | None = None,
        progress: Callable[[int], None] = lambda count: None,
        constructors: Mapping[tuple[str, str], Constructor] = CONSTRUCTORS,
        size: int = 0,
    ) -> None:
        self._file, self._name, self._progress = file, name, progress
        self._marker, self._finish = marker, finish
        self._float_dicts = float_dicts or FloatDictReader()
        self._constructors = constructors
        self._longest = max(_LONGEST, size)
        self._ahead = _AHEAD + self._longest
        self._most_held = _MOST_HELD + size // _BYTES_A_THING
        self._window, self._place, self._ended, self._passed = b"", 0, False, 0

    def load(self) -> Any:
        """Return what the next pickle holds; raises BenchmarkFileError if it is damaged or holds anything else."""
        try:
            return self._load()
        except RefusedError as error:
            raise BenchmarkFileError(f"{self._name}: not in the official layout ({error})") from error
        except (IndexError, struct.error) as error:
            raise BenchmarkFileError(f"{self._name}: cut short, or damaged after byte {self._passed:,}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BenchmarkFileError(f"{self._name}: damaged after byte {self._passed:,}") from error

    def check_ended(self) -> None:
        """Raise BenchmarkFileError if anything follows."""
        self._refill(self._place)
        if self._window:
            raise BenchmarkFileError(f"{self._name}: something follows where the file should end")

    def _refill(self, place: int) -> None:
        """Drop what is before a place in the window, and read on."""
        more = [self._window[place:]]
        try:
            while not self._ended and sum(map(len, more)) < _READ + self._ahead:
                more.append(self._file.read(_READ))
                self._ended = not more[-1]
        except (OSError, EOFError, ValueError) as error:
            raise BenchmarkFileError(f"{self._name}: cut short or damaged ({error})") from error
        self._passed += place
        self._window, self._place = b"".join(more), 0
        if self._passed > _MOST_BYTES:
            raise BenchmarkFileError(f"{self._name}: unpacks to more than any such file")
        self._progress(self._passed)

    def _limit(self, place: int) -> int:
        """Return where in the window to stop next: to read on, or to count what is held."""
        return min(place + _READ, len(self._window) - (0 if self._ended else self._ahead))

    def _load(self) -> Any:
        """Run the opcodes of one pickle: one branch each, the frequent ones first."""
        float_dicts, marker, finish = self._float_dicts, self._marker, self._finish
        longest, most_held = self._longest, self._most_held
        float_dicts.forget_keys()
        nested: dict[int, tuple[Any, ...]] = {}  # the tuples that hold tuples, by their identities
        memo: dict[int, Any] = {}
        recent: list[int] = []  # the numbers put into the memo, in order, of those not yet tidied away
        last = -1  # the latest of them
        memoized = 0  # how many things MEMOIZE has numbered
        held = 0
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
                if held + len(stack) > most_held:
                    raise RefusedError("more things than any such file holds")
            operation = window[place]
            place += 1
            if operation in _GETS:
                size = _GETS[operation]
                number = int.from_bytes(window[place : place + size], "little")
                place += size
                found = memo.get(number, memo)
                if found is memo and (found := float_dicts.key(number)) is None:
                    raise RefusedError("it refers to what it never held, or to the inside of another record")
                stack.append(found)
            elif operation in _PUTS:
                size = _PUTS[operation]
                last = int.from_bytes(window[place : place + size], "little")
                place += size
                memo[last] = stack[-1]
                recent.append(last)
                held += 1
            elif operation == _MEMOIZE:
                last = memoized
                memoized += 1
                memo[last] = stack[-1]
                recent.append(last)
                held += 1
            elif operation == _MARK:
                if stack and type(stack[-1]) is dict and not stack[-1]:
                    read = float_dicts.read(window, view, place, memoized)
                    if read is not None:
                        if memo.get(last) is stack[-1]:
                            memo[last] = read[0]
                        stack[-1], place = read[0], read[1]
                        memoized += read[2]
                        held += 1 + len(read[0].keys) // 8
                        continue
                if len(marks) >= _DEEPEST:
                    raise RefusedError("deeper than any such file")
                marks.append((stack, held, len(recent), last))
                stack = []
            elif operation == _BINFLOAT:
                stack.append(_double(window, place)[0])
                place += 8
            elif operation in _STRINGS:
                size = _STRINGS[operation]
                length = int.from_bytes(window[place : place + size], "little")
                if length > longest:
                    raise RefusedError(f"a string of {length:,} bytes")
                data = window[place + size : place + size + length]
                place += size + length
                if len(data) != length:
                    raise IndexError
                stack.append(data if operation in _BYTES else data.decode("utf-8", "surrogatepass"))
                held += 1 + length // _BYTES_A_THING
            elif operation == _BININT1:
                stack.append(window[place])
                place += 1
            elif operation in _SETS_ITEMS:
                if operation == _SETITEMS:
                    items = stack
                    stack, held_before, kept, number = marks.pop()
                else:
                    items = stack[-2:]
                    del stack[-2:]
                target = stack[-1]
                if type(target) is not dict or len(items) % 2:
                    raise RefusedError("items are added to what is no dictionary")
                for key, value in zip(items[::2], items[1::2], strict=True):
                    target[checked_key(key)] = value
                held += len(items)
                if finish is not None and operation == _SETITEMS and marker in target:
                    stack[-1] = finish(target)
                    if memo.get(number) is target:
                        memo[number] = stack[-1]
                    held = held_before + _tidy(memo, recent, kept)
                    float_dicts.forget_keys()
            elif operation == _EMPTY_DICT:
                stack.append({})
                held += 1
            elif operation == _REDUCE:
                arguments = stack.pop()
                if type(arguments) is not tuple or type(stack[-1]) is not Constructor:
                    raise RefusedError("a call of what is no constructor")
                stack[-1] = stack[-1].made(arguments)
                held += 1
            elif operation in _TUPLES:
                size = _TUPLES[operation]
                if len(stack) < size:
                    raise IndexError
                items = stack[len(stack) - size :]
                del stack[len(stack) - size :]
                stack.append(_tuple(items, nested))
                held += 1 + size
            elif operation == _TUPLE:
                items = stack
                stack = marks.pop()[0]
                stack.append(_tuple(items, nested))
                held += 1 + len(items)
            elif operation in _APPENDS_ITEMS:
                if operation == _APPENDS:
                    items = stack
                    stack = marks.pop()[0]
                else:
                    items = [stack.pop()]
                if type(stack[-1]) is not list:
                    raise RefusedError("items are added to what is no list")
                stack[-1].extend(items)
                held += len(items)
            elif operation == _EMPTY_LIST:
                stack.append([])
                held += 1
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
                    raise RefusedError("it ends in the midst of something")
                self._place = place
                return stack[0]
            elif operation == _PROTO:
                if not 2 <= window[place] <= 5:
                    raise RefusedError("not a pickle of protocol 2 to 5")
                place += 1
            elif operation == _BUILD:
                state = stack.pop()
                if not isinstance(stack[-1], Stateful):
                    raise RefusedError("a state for what has none")
                stack[-1].set_state(state)
            elif operation == _NEW:
                arguments = stack.pop()
                if type(stack[-1]) is not Constructor or not stack[-1].is_class or arguments != ():
                    raise RefusedError("a new object of what is no class")
                stack[-1] = stack[-1].made(())
                held += 2
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
                held += 2
            elif operation == _ADDITEMS:
                items = stack
                stack = marks.pop()[0]
                if type(stack[-1]) is not set:
                    raise RefusedError("items are added to what is no set")
                stack[-1].update(map(checked_key, items))
                held += len(items)
            else:
                raise RefusedError(f"opcode {operation:#x}")

    def _constructor(self, module: Any, name: Any) -> Constructor:
        if type(module) is not str or type(name) is not str or (module, name) not in self._constructors:
            named = ".".join(part[:80] if type(part) is str else shown(part) for part in (module, name))
            raise RefusedError(f"{named} is not on the list of what it may hold")
        return self._constructors[module, name]


def _tuple(items: list[Any], nested: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the items as a tuple; raises RefusedError if tuples would stand three deep."""
    made = tuple(items)
    inner = [item for item in items if type(item) is tuple and item]
    if inner:
        if any(id(item) in nested for item in inner):
            raise RefusedError("a tuple of tuples of tuples")
        nested[id(made)] = made
    return made


def _tidy(memo: dict[int, Any], recent: list[int], kept: int) -> int:
    """Take what a finished record put there out of the memo; return how much stays, as others may share it."""
    inside = recent[kept:]
    shared = {number for number in inside if number in memo and _may_be_shared(memo[number])}
    for number in shared.symmetric_difference(inside):
        memo.pop(number, None)
    del recent[kept:]
    return len(shared)


def _may_be_shared(thing: Any) -> bool:
    if type(thing) is str:
        return "@" not in thing and thing.isascii()
    return type(thing) in (Constructor, NumberType, float)


_double = struct.Struct(">d").unpack_from

_PROTO, _FRAME, _STOP = pickle.PROTO[0], pickle.FRAME[0], pickle.STOP[0]
_MARK, _TUPLE, _MEMOIZE = pickle.MARK[0], pickle.TUPLE[0], pickle.MEMOIZE[0]
_GETS = {pickle.BINGET[0]: 1, pickle.LONG_BINGET[0]: 4}
_PUTS = {pickle.BINPUT[0]: 1, pickle.LONG_BINPUT[0]: 4}
_EMPTY_DICT, _SETITEMS, _EMPTY_LIST, _APPENDS = (
    code[0] for code in (pickle.EMPTY_DICT, pickle.SETITEMS, pickle.EMPTY_LIST, pickle.APPENDS)
)
_SETS_ITEMS = frozenset((_SETITEMS, pickle.SETITEM[0]))
_APPENDS_ITEMS = frozenset((_APPENDS, pickle.APPEND[0]))
_EMPTY_SET, _ADDITEMS = pickle.EMPTY_SET[0], pickle.ADDITEMS[0]
_BINFLOAT, _BININT1, _LONG1 = pickle.BINFLOAT[0], pickle.BININT1[0], pickle.LONG1[0]
_INTEGERS = {pickle.BININT2[0]: 2, pickle.BININT[0]: 4}
_BYTES = {pickle.SHORT_BINBYTES[0]: 1, pickle.BINBYTES[0]: 4, pickle.BINBYTES8[0]: 8, pickle.BYTEARRAY8[0]: 8}
_STRINGS = {pickle.BINUNICODE[0]: 4, pickle.SHORT_BINUNICODE[0]: 1, pickle.BINUNICODE8[0]: 8, **_BYTES}
_NEW = pickle.NEWOBJ[0]
_GLOBAL, _STACK_GLOBAL, _REDUCE, _BUILD = (
    code[0] for code in (pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE, pickle.BUILD)
)
_TUPLES = {pickle.EMPTY_TUPLE[0]: 0, pickle.TUPLE1[0]: 1, pickle.TUPLE2[0]: 2, pickle.TUPLE3[0]: 3}
_CONSTANTS = {pickle.NONE[0]: None, pickle.NEWTRUE[0]: True, pickle.NEWFALSE[0]: False}
