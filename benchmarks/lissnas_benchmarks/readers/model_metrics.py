"""Read ModelMetrics, the protocol-buffer message that NAS-Bench-101 has for each training run; many at once.

Messages of one length mostly differ in the bytes of their numbers only. The reader parses the first message field by
field, and then reads by slicing all messages that have the same bytes around their numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

EVALUATIONS = 3
"""Number of evaluations of a run: before training, halfway, and at the end."""

FIELDS = ("epoch", "time", "train", "validation", "test")
"""The fields of an evaluation, in the order of their field numbers, which start at 1."""

PARAMETERS = EVALUATIONS * len(FIELDS)
"""Index of the column of trainable parameters, which follows those of the evaluations."""

_COLUMNS = PARAMETERS + 1

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_MAX_LAYOUTS = 64
"""Maximum number of layouts of messages of one length. Real files have a handful, because fields may be absent."""


def read_metrics(messages: Sequence[bytes]) -> Floats:
    """Return the numbers of each message, float64 of shape (n, 16).

    The columns are the epoch, training time and three accuracies of each evaluation, then the parameters. A number
    that a message lacks is NaN.

    Raises
    ------
    ValueError
        If a message is malformed or does not have three evaluations.
    """
    numbers = np.full((len(messages), _COLUMNS), np.nan)
    lengths = np.fromiter(map(len, messages), dtype=np.int64, count=len(messages))
    for length in np.unique(lengths).tolist():
        left = np.flatnonzero(lengths == length)
        data = np.frombuffer(b"".join([messages[place] for place in left.tolist()]), dtype=np.uint8)
        data = data.reshape(len(left), length)
        for _ in range(_MAX_LAYOUTS):
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
            raise ValueError(f"messages of {length} bytes have more than {_MAX_LAYOUTS} layouts")
    return numbers


@dataclass
class _Layout:
    """Positions of a message's numbers, and the bits that all messages of this layout share."""

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
    """Yield the fields of a message: number, wire type, and start and end of the value."""
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
            raise ValueError("a message ends within a field")
        yield tag >> 3, kind, first, place


def _varint(message: bytes, place: int, stop: int) -> tuple[int, int]:
    """Return a number stored in 7 bits per byte, lowest first, and the position after it."""
    value = 0
    for shift in range(0, 56, 7):
        if place >= stop:
            raise ValueError("a message ends within a number")
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 8 bytes")
