"""Read the many similar dictionaries of floats in a pickle quickly.

A learning curve is pickled as "key, float, key, float, ...". The reader learns the bytes between the floats from the
first such dictionary as a template. It then reads every dictionary that fits the template with a few array operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

Key = int | str

Bytes = NDArray[np.uint8]

MAX_BYTES = 1 << 15
"""Maximum length of a template in bytes. A dictionary of 200 epochs on three splits has 16,000 bytes."""

_MAX_TEMPLATES = 256
"""Maximum number of templates that a reader learns."""

_MIN_PAIRS = 6
"""Minimum number of pairs of a template: for fewer, array operations are slower than the opcodes one by one."""

_MAX_PAIRS = 999
"""Maximum number of pairs of a template. Pickle writes 1,000 items at a time, so a longer dictionary may continue."""


@dataclass(frozen=True, eq=False)
class FloatDict:
    """A dictionary of floats: n keys, and values of shape (n,)."""

    keys: tuple[Key, ...]
    values: Floats


def float_dict(mapping: "FloatDict | Mapping[Key, float]") -> FloatDict:
    """Return a dictionary of numbers as a FloatDict; raises TypeError or ValueError for anything else."""
    if isinstance(mapping, FloatDict):
        return mapping
    if not isinstance(mapping, dict) or not all(type(value) in (int, float) for value in mapping.values()):
        raise TypeError("not a dictionary of numbers")
    return FloatDict(tuple(mapping), np.array(list(mapping.values()), dtype=np.float64))


@dataclass(frozen=True, eq=False)
class _MemoKeys:
    """The keys that one dictionary put into the memo under consecutive numbers: number `first + i` is `keys[i]`."""

    first: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class _Template:
    """The bytes of a dictionary after its MARK, up to and including its SETITEMS.

    Attributes
    ----------
    keys
        The dictionary's keys.
    length
        Number of bytes.
    fixed, mask
        The bytes that are the same in every such dictionary, and 255 where they are.
    floats
        Positions of the eight bytes of each float, shape (n, 8).
    new
        The keys that the dictionary puts into the memo.
    put
        Position and size of the memo number of the first new key; the following keys have the following numbers. None
        if no key is put into the memo; (0, 0) if MEMOIZE counts the numbers.
    got
        Positions of the memo numbers of the keys that the dictionary gets from the memo, shape (m, bytes).
    source, offset
        The keys of the dictionary that put these into the memo, and the position of the first one among them.
    steps
        Each memo number minus the first one, shape (m,).
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
    """Reads dictionaries of floats from a part of a pickle, and learns their templates.

    Parameters
    ----------
    max_templates
        Maximum number of templates to learn. With 0, `read` always returns None.
    """

    def __init__(self, max_templates: int = _MAX_TEMPLATES) -> None:
        self._max_templates = max_templates
        self._templates: dict[int, list[_Template]] = {}
        self._count = 0
        self._known: list[_MemoKeys] = []

    def forget_keys(self) -> None:
        """Forget the keys that were put into the memo."""
        self._known.clear()

    def key(self, number: int) -> Key | None:
        """Return the key that a dictionary put into the memo under a number, or None."""
        known = self._find(number)
        return None if known is None else known.keys[number - known.first]

    def read(self, window: bytes, view: Bytes, start: int, memoized: int) -> tuple[FloatDict, int, int] | None:
        """Return the dictionary whose first key is at `start`, its end, and how many keys MEMOIZE put into the memo.

        Returns None if there is something else at `start`, or the window ends before the dictionary does. `memoized` is
        the memo number that the next MEMOIZE uses.
        """
        for template in self._templates.get(window[start], ()):
            filled = self._fill(template, window, view, start, memoized)
            if filled is not None:
                return filled
        if self._count < self._max_templates and (learned := self._learn(window, start)) is not None:
            self._templates.setdefault(window[start], []).insert(0, learned)
            self._count += 1
            return self._fill(learned, window, view, start, memoized)
        return None

    def _find(self, number: int) -> _MemoKeys | None:
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
            numbers = _integers(body.take(template.got))
            first = int(numbers[0])
            known = self._find(first)
            if known is None or known.keys is not template.source or first - known.first != template.offset:
                return None
            if not np.array_equal(numbers - first, template.steps):
                return None
        if template.put is not None:
            place, size = template.put
            first = int.from_bytes(window[start + place : start + place + size], "little") if size else memoized
            self._known.append(_MemoKeys(first, template.new))
        values = body.take(template.floats).view(">f8").ravel().astype(np.float64)
        return FloatDict(template.keys, values), end, len(template.new) if template.put == (0, 0) else 0

    def _learn(self, window: bytes, start: int) -> _Template | None:
        """Parse one dictionary opcode by opcode; return None if it cannot be a template."""
        keys: list[Key] = []
        new: list[Key] = []
        floats: list[int] = []
        puts: list[tuple[int, int]] = []
        gets: list[tuple[int, int]] = []
        numbers: list[int] = []
        place, last = start, min(len(window), start + MAX_BYTES) - 32
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
        if place >= last or not _MIN_PAIRS <= len(keys) <= _MAX_PAIRS or len(set(keys)) != len(keys):
            return None
        return self._make_template(window[start : place + 1], keys, new, floats, puts, gets, numbers)

    def _make_template(
        self,
        body: bytes,
        keys: list[Key],
        new: list[Key],
        floats: list[int],
        puts: list[tuple[int, int]],
        gets: list[tuple[int, int]],
        numbers: list[int],
    ) -> _Template | None:
        """Make a template; None unless its memo numbers have one size, are consecutive and from one dictionary."""
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


def _integers(digits: Bytes) -> NDArray[np.int64]:
    """Return the little-endian integers in rows of one or four bytes."""
    return digits.view("<u4" if digits.shape[1] == 4 else "u1").ravel().astype(np.int64)


_BINFLOAT, _BININT1, _SETITEMS = b"GKu"
_BINUNICODE, _SHORT_BINUNICODE = b"X\x8c"
_BINGET, _LONG_BINGET = b"hj"
_PUT_SIZES = dict(zip(b"qr\x94", (1, 4, 0), strict=True))
