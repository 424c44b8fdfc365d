"""ModelMetrics: the protocol-buffer message in which NAS-Bench-101 keeps one training run; many are read at once.

Messages of one length mostly agree in every byte but those of their numbers. The first of them is read field by field;
all that have the same bytes around their numbers are then read by slicing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

EVALUATIONS = 3
"""Before training, half way and at the end."""

FIELDS = ("epoch", "time", "train", "validation", "test")
"""Of an evaluation, in the order of their field numbers, which count from 1."""

PARAMETERS = EVALUATIONS * len(FIELDS)
"""The column of the number of trainable parameters, after those of the evaluations."""

_COLUMNS = PARAMETERS + 1

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_LAYOUTS = 64
"""How many layouts messages of one length may have: a handful in real files, as fields may be left out."""


def read_metrics(messages: Sequence[bytes]) -> Floats:
    """Return the numbers of each message, float64 of shape (n, 16).

    Columns are the epoch, training time and three accuracies of each evaluation, then the parameters; NaN where a
    message does not have a number.

    Raises
    ------
    ValueError
        If a message is none, or has not three evaluations.
    """
    numbers = np.full((len(messages), _COLUMNS), np.nan)
    lengths = np.fromiter(map(len, messages), dtype=np.int64, count=len(messages))
    for length in np.unique(lengths).tolist():
        left = np.flatnonzero(lengths == length)
        data = np.frombuffer(b"".join([messages[place] for place in left.tolist()]), dtype=np.uint8)
        data = data.reshape(len(left), length)
        for _ in range(_LAYOUTS):
            layout = _Layout.of(data[0].tobytes())
            fits = ((data ^ data[0]) & layout.fixed == 0).all(axis=1)
            for column, place in layout.doubles.items():
                numbers[left[fits], column] = np.ascontiguousarray(data[fits, place : place + 8]).view("<f8")[:, 0]
            for column, (first, stop) in layout.integers.items():
                groups = data[fits, first:stop].astype(np.int64) & 0x7F
                numbers[left[fits], column] = (groups << 7 * np.arange(stop - first)).sum(axis=1)
            left, data = left[~fits], data[~fits]
            if len(left) == 0:
                break
        else:
            raise ValueError(f"messages of {length} bytes have more than {_LAYOUTS} layouts")
    return numbers


@dataclass
class _Layout:
    """Where the numbers of a message stand, and which of its bits must be the same for another to have this layout."""

    fixed: NDArray[np.uint8]
    doubles: dict[int, int] = field(default_factory=dict)
    integers: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, message: bytes) -> "_Layout":
        layout = cls(np.full(len(message), 0xFF, dtype=np.uint8))
        evaluations = 0
        for number, kind, first, stop in _fields(message, 0, len(message)):
            if (number, kind) == (1, _BYTES):
                if evaluations < EVALUATIONS:
                    layout._add_evaluation(message, first, stop, evaluations * len(FIELDS))
                evaluations += 1
            elif (number, kind) == (2, _VARINT):
                layout.integers[PARAMETERS] = first, stop
                layout.fixed[first:stop] = 0x80
            elif kind in (_FIXED64, _FIXED32):
                layout.fixed[first:stop] = 0
        if evaluations != EVALUATIONS:
            raise ValueError(f"{evaluations} evaluations instead of {EVALUATIONS}")
        return layout

    def _add_evaluation(self, message: bytes, first: int, stop: int, column: int) -> None:
        for number, kind, start, end in _fields(message, first, stop):
            if kind == _FIXED64 and 1 <= number <= len(FIELDS):
                self.doubles[column + number - 1] = start
            if kind in (_FIXED64, _BYTES, _FIXED32):
                self.fixed[start:end] = 0


def _fields(message: bytes, place: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the fields of a message: number, kind, and where its value starts and stops."""
    while place < stop:
        tag, place = _varint(message, place, stop)
        kind = tag & 7
        first = place
        if kind == _VARINT:
            _value, place = _varint(message, place, stop)
        elif kind == _BYTES:
            length, first = _varint(message, place, stop)
            place = first + length
        elif kind in (_FIXED64, _FIXED32):
            place += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if place > stop:
            raise ValueError("a message that ends within a field")
        yield tag >> 3, kind, first, place


def _varint(message: bytes, place: int, stop: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, lowest first, and the place after it."""
    value = 0
    for shift in range(0, 56, 7):
        if place >= stop:
            raise ValueError("a message that ends within a number")
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 8 bytes")
