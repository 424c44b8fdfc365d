"""Dictionaries of floats that come again and again in a pickle, differing only in the numbers.

A learning curve is pickled as "key, float, key, float, ..."; the bytes between the floats are learned from the first
such dictionary as a template, and the next one that fits is read in a few array operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

Key = int | str

Bytes = NDArray[np.uint8]

LONGEST = 1 << 15
"""Dictionaries of more bytes are not learned: those of 200 epochs on three sets have 16,000."""

_MAX_TEMPLATES = 256

_FEWEST_PAIRS = 6
"""For fewer, arrays are slower than one opcode after the other."""

_MOST_PAIRS = 999
"""Pickle writes a thousand items at a time: after as many, more of the same dictionary may follow."""


@dataclass(frozen=True, eq=False)
class FloatDict:
    """A dictionary whose values are floats: keys of length n, and values of shape (n,)."""

    keys: tuple[Key, ...]
    values: Floats


def float_dict(mapping: "FloatDict | Mapping[Key, float]") -> FloatDict:
    """Return any dictionary of numbers as a FloatDict; raises TypeError or ValueError for anything else."""
    if isinstance(mapping, FloatDict):
        return mapping
    if not isinstance(mapping, dict) or not all(type(value) in (int, float) for value in mapping.values()):
        raise TypeError("not a dictionary of numbers")
    return FloatDict(tuple(mapping), np.array(list(mapping.values()), dtype=np.float64))


@dataclass(frozen=True, eq=False)
class _Keys:
    """Keys that one dictionary put into the memo under consecutive numbers: number `first + i` is `keys[i]`."""

    first: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class _Template:
    """The bytes of a dictionary from after its mark to its SETITEMS.

    Attributes
    ----------
    length, fixed, mask
        How many bytes there are, those that do not change, and 255 where they stand.
    floats
        Where the eight bytes of each float are, shape (n, 8).
    put
        Where the number is under which the first new key is put into the memo, and in how many bytes; its memo is
        numbered on from there. None where no key is put; (0, 0) where the memo counts for itself.
    got
        Where the numbers of keys that are fetched from the memo are, shape (m, bytes).
    source, offset
        The keys that they are, as one dictionary put them, and the place of the first among them.
    steps
        By how much each number exceeds the first one, shape (m,).
    """

    keys: tuple[Key, ...]
    length: int
    fixed: bytes
    mask: Bytes
    floats: NDArray[np.intp]
    new: tuple[Key, ...]
    put: tuple[int, int] | None
    got: NDArray[np.intp] | None
    source: tuple[Key, ...]
    offset: int
    steps: NDArray[np.int64]


class FloatDictReader:
    """Reads dictionaries of floats from a window on a pickle, learning their templates on the way.

    Parameters
    ----------
    most
        How many templates it may learn; with none, every dictionary comes as such.
    """

    def __init__(self, most: int = _MAX_TEMPLATES) -> None:
        self._most = most
        self._moulds: dict[int, list[_Template]] = {}
        self._count = 0
        self._known: list[_Keys] = []

    def forget_keys(self) -> None:
        """Forget what was put into the memo so far."""
        self._known.clear()

    def key(self, number: int) -> Key | None:
        """Return the key that was put into the memo under a number, or None."""
        found = self._find(number)
        return None if found is None else found.keys[number - found.first]

    def read(self, window: bytes, view: Bytes, start: int, memoized: int) -> tuple[FloatDict, int, int] | None:
        """Return the dictionary whose first key is at `start`, where it ends, and how many keys went into the memo.

        None if what stands there is anything else, or is not whole in the window. `memoized` is the number under which
        the pickle's next memoized thing goes, where it does not say so itself.
        """
        for template in self._moulds.get(window[start], ()):
            found = self._fill(template, window, view, start, memoized)
            if found is not None:
                return found
        if self._count < self._most and (learned := self._learn(window, start)) is not None:
            self._moulds.setdefault(window[start], []).insert(0, learned)
            self._count += 1
            return self._fill(learned, window, view, start, memoized)
        return None

    def _find(self, number: int) -> _Keys | None:
        for known in reversed(self._known):
            if 0 <= number - known.first < len(known.keys):
                return known
        return None

    def _fill(
        self, template: _Template, window: bytes, view: Bytes, start: int, memoized: int
    ) -> tuple[FloatDict, int, int] | None:
        end = start + template.length
        if end > len(window) or window[end - 1] != _SETITEMS or window[end - 10] != _BINFLOAT:
            return None
        body = view[start:end]
        if (body & template.mask).tobytes() != template.fixed:
            return None
        if template.got is not None:
            numbers = _little(body.take(template.got))
            first = int(numbers[0])
            known = self._find(first)
            if known is None or known.keys is not template.source or first - known.first != template.offset:
                return None
            if not np.array_equal(numbers - first, template.steps):
                return None
        if template.put is not None:
            place, size = template.put
            first = int.from_bytes(window[start + place : start + place + size], "little") if size else memoized
            self._known.append(_Keys(first, template.new))
        values = body.take(template.floats).view(">f8").ravel().astype(np.float64)
        return FloatDict(template.keys, values), end, len(template.new) if template.put == (0, 0) else 0

    def _learn(self, window: bytes, start: int) -> _Template | None:
        """Parse one dictionary opcode by opcode; None if it is no plain one."""
        keys: list[Key] = []
        new: list[Key] = []
        floats: list[int] = []
        puts: list[tuple[int, int]] = []
        gets: list[tuple[int, int]] = []
        numbers: list[int] = []
        place, last = start, min(len(window), start + LONGEST) - 32
        while place < last and window[place] != _SETITEMS:
            operation = window[place]
            if operation == _BININT1:
                keys.append(window[place + 1])
                place += 2
            elif operation in (_BINGET, _LONG_BINGET):
                size = 1 if operation == _BINGET else 4
                numbers.append(int.from_bytes(window[place + 1 : place + 1 + size], "little"))
                gets.append((place + 1 - start, size))
                key = self.key(numbers[-1])
                if key is None:
                    return None
                keys.append(key)
                place += 1 + size
            elif operation in (_BINUNICODE, _SHORT_BINUNICODE):
                head = 5 if operation == _BINUNICODE else 2
                length = int.from_bytes(window[place + 1 : place + head], "little")
                text = window[place + head : place + head + length]
                place += head + length
                if not length <= 32 or place >= last or not text.isascii():
                    return None
                keys.append(text.decode("ascii"))
                if window[place] in _PUT_SIZES:
                    new.append(keys[-1])
                    puts.append((place + 1 - start, _PUT_SIZES[window[place]]))
                    place += 1 + puts[-1][1]
            else:
                return None
            if window[place] != _BINFLOAT:
                return None
            floats.append(place + 1 - start)
            place += 9
        if place >= last or not _FEWEST_PAIRS <= len(keys) <= _MOST_PAIRS or len(set(keys)) != len(keys):
            return None
        return self._mould(window[start : place + 1], keys, new, floats, puts, gets, numbers)

    def _mould(
        self,
        body: bytes,
        keys: list[Key],
        new: list[Key],
        floats: list[int],
        puts: list[tuple[int, int]],
        gets: list[tuple[int, int]],
        numbers: list[int],
    ) -> _Template | None:
        """Make a template; None if its memo numbers are not of one size, consecutive and from one dictionary."""
        if len({size for _, size in gets}) > 1 or len({size for _, size in puts}) > 1:
            return None
        mask = np.full(len(body), 255, dtype=np.uint8)
        for place in floats:
            mask[place : place + 8] = 0
        for place, size in (*puts, *gets):
            mask[place : place + size] = 0
        source: tuple[Key, ...] = ()
        offset = 0
        if gets:
            known = self._find(numbers[0])
            if known is None or any(self._find(number) is not known for number in numbers):
                return None
            source, offset = known.keys, numbers[0] - known.first
        if puts and puts[0][1]:
            put = [int.from_bytes(body[place : place + size], "little") for place, size in puts]
            if put != list(range(put[0], put[0] + len(put))):
                return None
        return _Template(
            keys=tuple(keys),
            length=len(body),
            fixed=(np.frombuffer(body, dtype=np.uint8) & mask).tobytes(),
            mask=mask,
            floats=np.array(floats)[:, None] + np.arange(8),
            new=tuple(new),
            put=None if not puts else (puts[0] if puts[0][1] else (0, 0)),
            got=np.array([place for place, _ in gets])[:, None] + np.arange(gets[0][1]) if gets else None,
            source=source,
            offset=offset,
            steps=np.array(numbers, dtype=np.int64) - (numbers[0] if numbers else 0),
        )


def _little(digits: Bytes) -> NDArray[np.int64]:
    """Return the numbers that rows of one or four bytes are."""
    return digits.view("<u4" if digits.shape[1] == 4 else "u1").ravel().astype(np.int64)


_BINFLOAT, _BININT1, _SETITEMS = b"GKu"
_BINUNICODE, _SHORT_BINUNICODE = b"X\x8c"
_BINGET, _LONG_BINGET = b"hj"
_PUT_SIZES = dict(zip(b"qr\x94", (1, 4, 0), strict=True))
