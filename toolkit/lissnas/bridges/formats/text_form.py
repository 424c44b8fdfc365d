"""TextForm: how a text form is parsed, as a literal that is never evaluated, and the errors for any other text."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, shortened
from lissnas.spaces.space import Rows, Space

_MAX_TEXT = 4000
"""Maximum number of letters of one architecture (our own choice)."""

_BRACKETS = str.maketrans("()'", '[]"')

_NUMBERS = re.compile(r"[\[(][\d\s,.()\[\]]*[\])]", re.ASCII)


@dataclass(frozen=True)
class Dialect:
    """A text form: the beginnings of the names of its spaces, how it is read and how it is written.

    `pattern` is a regular expression of its texts, if reading one takes long.
    """

    spaces: tuple[str, ...]
    read: Callable[[Sequence[str], Space], Rows]
    write: Callable[[Rows, Space], list[str]]
    pattern: str = ""


@dataclass(frozen=True)
class TextForm:
    """The name of a text form, and an example."""

    name: str
    example: str

    def fault(self, text: str) -> ArchitectureError:
        """Return the error for a text of another form."""
        return ArchitectureError(
            f"'{shortened(text)}' is not written as {self.name} writes it, for example '{self.example}'"
        )

    def whole_numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return texts of digits as int64; raises ArchitectureError for the first other text."""
        for text in texts:
            if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or int(text) >= 2**63:
                raise self.fault(text)
        return np.array([int(text) for text in texts], dtype=np.int64)

    def literal(self, text: str) -> Any:
        """Return the lists, numbers and strings that a text contains; tuples are lists."""
        if len(text) > _MAX_TEXT:
            raise self.fault(text)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # tuples, quotes or trailing commas of Python
        try:
            return json.loads(re.sub(r",(\s*\])", r"\1", text.translate(_BRACKETS)))
        except (ValueError, RecursionError) as error:
            raise self.fault(text) from error

    def numbers(self, texts: Sequence[str], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return lists of whole numbers, int64 of shape ``(n, *shape)``; raises ArchitectureError for another text."""
        if (digits := _digits(texts, shape)) is not None:
            return digits
        for text in texts:
            if len(text) > _MAX_TEXT or not _NUMBERS.fullmatch(text):
                raise self.fault(text)
        try:  # all at once, which is ten times faster
            lists = json.loads(f"[{','.join(texts).translate(_BRACKETS)}]")
            array = np.array(lists)
        except (ValueError, RecursionError):
            array = np.empty(0)
        if array.shape != (len(texts), *shape) or array.dtype.kind not in "iuf" or (array % 1 != 0).any():
            for text in texts:
                one = ragged(self.literal(text))
                if one.shape != shape or one.dtype.kind not in "iuf" or (one % 1 != 0).any():
                    raise self.fault(text)
            array = np.stack([ragged(self.literal(text)) for text in texts])
        return array.astype(np.int64)

    def check_within(self, texts: Sequence[str], numbers: NDArray[np.int64], most: int) -> None:
        """Raise ArchitectureError for the first text with a number above `most`."""
        outside = (numbers > most).reshape(len(numbers), -1).any(axis=1)
        if outside.any():
            text, found = texts[int(outside.argmax())], int(numbers[outside.argmax()].max())
            raise ArchitectureError(
                f"'{shortened(text)}' has the number {found}, but {self.name} has the numbers 0 to {most}"
            )


_SHAPE = bytes.maketrans(b"123456789()", b"000000000[]")
"""Makes of every digit a 0, and of every bracket a square one."""

_NO_DIGITS = bytes(byte for byte in range(256) if not ord("0") <= byte <= ord("9"))


def _digits(texts: Sequence[str], shape: tuple[int, ...]) -> NDArray[np.int64] | None:
    """Return lists of numbers of one digit, int64 of shape ``(n, *shape)``; None for any other texts.

    Equal texts but for their digits are parsed once.
    """
    try:
        data = "\n".join(texts).encode("ascii")
        shapes = data.translate(_SHAPE, b" ").split(b"\n")
        if len(shapes) != len(texts) or max(map(len, texts), default=0) > _MAX_TEXT:
            return None
        for one in set(shapes):
            if one.translate(None, b"0[],") or np.array(json.loads(one)).shape != shape:
                return None
    except (ValueError, RecursionError):
        return None
    numbers = np.frombuffer(data.translate(None, _NO_DIGITS), dtype=np.uint8)
    return numbers.reshape(len(texts), *shape).astype(np.int64) - ord("0")


def ragged(value: Any) -> NDArray[Any]:
    """Return an array of a literal; an empty one if its lists have different lengths."""
    try:
        return np.array(value)
    except ValueError:
        return np.empty(0)


def written_tuples(numbers: NDArray[np.int64]) -> list[str]:
    """Return each row of numbers as Python writes a tuple."""
    return [str(tuple(row)) for row in numbers.tolist()]
