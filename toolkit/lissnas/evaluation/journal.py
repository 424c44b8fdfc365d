"""Journal: a file that a run appends its scores to, so that a run that died goes on where it was, bit for bit.

JSON lines. The first one says which run it is; each other one holds some architectures and their scores, in the order
they were asked for, and is on the disk before the run goes on. A run that opens its journal again makes the same draws
again and is answered from it as far as it goes.
"""

import os
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lissnas.errors import JournalError
from lissnas.spaces.space import Floats, Indices
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity

FORMAT = 2
"""Version of the file's layout. Files of other versions are refused."""

ROWS_PER_LINE = 8
"""How many architectures are evaluated between two lines, unless the evaluator says: lost at most where a run dies."""


class _Scored(msgspec.Struct, frozen=True):
    """A line: places in the space and their scores, of which those that are no number are strings."""

    index: list[int]
    scores: list[float | str]


class _Line(msgspec.Struct, frozen=True):
    crc32: int
    scored: _Scored


class Journal:
    """The scores of one run, in a file.

    Parameters
    ----------
    path
        The file. If there is none, it is made; if there is, the run goes on from it.
    run
        What the run is; what JSON cannot hold is written as its string. A file of any other run is refused, unless that
        has recorded nothing: then it becomes this run's.

    Raises
    ------
    JournalError
        If the file belongs to another run, is damaged anywhere but in its last line, or cannot be written. A last line
        that is not whole, because its writing was cut short, is dropped.
    """

    def __init__(self, path: Path, run: RunIdentity) -> None:
        self._path = path
        header = msgspec.json.encode({"lissnas_journal": FORMAT, **run.to_json()}) + b"\n"
        try:
            content = path.read_bytes() if path.exists() else None
            if content is None or _records_nothing(content):
                with atomic_write(path) as file:
                    file.write(header)
                content = header
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror}; choose another place for the journal") from error
        first, newline, rest = content.partition(b"\n")
        run.check(path, _read_header(path, first if newline else b""), JournalError)
        whole, lines = _whole_lines(path, rest)
        self._length = len(first) + 1 + whole
        if self._length < len(content):
            os.truncate(path, self._length)
        self._index = np.array([place for line in lines for place in line.index], dtype=np.int64)
        self._scores = np.array([float(score) for line in lines for score in line.scores])
        self._replayed = 0

    def replay(self, index: Indices) -> Floats:
        """Return the scores of the first of these architectures, as many as were recorded, shape (up to n,).

        Raises JournalError if others were recorded at this point.
        """
        recorded = slice(self._replayed, self._replayed + len(index))
        known = self._index[recorded]
        if (known != index[: len(known)]).any():
            raise JournalError(
                f"{self._path}: from evaluation {self._replayed + 1:,} on it holds other networks than this run asks "
                f"for: it was written by another version of the program; begin a new journal"
            )
        self._replayed += len(known)
        return self._scores[recorded]

    def record(self, index: Indices, scores: Floats) -> None:
        """Append architectures and their scores; they are on the disk when this returns.

        Raises JournalError if they cannot be written, or another run writes to the same file.
        """
        numbers = [score if np.isfinite(score) else str(score) for score in scores.tolist()]
        scored = _Scored(index.tolist(), numbers)
        line = msgspec.json.encode(_Line(_checksum(scored), scored)) + b"\n"
        try:
            with self._path.open("ab") as file:
                if file.tell() != self._length:
                    raise JournalError(f"{self._path}: another run is writing to it; give each run its own journal")
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalError(f"{self._path}: {error.strerror}; run again with this journal to go on") from error
        self._length += len(line)


def _records_nothing(content: bytes) -> bool:
    """Tell whether this is a journal of our format that ends after its first line."""
    return content.startswith(b'{"lissnas_journal":%d,' % FORMAT) and content.find(b"\n") == len(content) - 1


def _read_header(path: Path, line: bytes) -> dict[str, Any]:
    """Return the identity in the first line of a journal. Raises JournalError if it is not one of our format."""
    try:
        header = dict(msgspec.json.decode(line))
    except (ValueError, TypeError, RecursionError):
        header = {}
    if "lissnas_journal" not in header:
        raise JournalError(f"{path}: not a journal; give the name of a file that does not exist")
    version = header.pop("lissnas_journal")
    if version != FORMAT:
        raise JournalError(f"{path}: a journal of format {version}, not {FORMAT}; give the name of a new file")
    return header


def _whole_lines(path: Path, content: bytes) -> tuple[int, list[_Scored]]:
    """Return how many bytes the whole lines take, and what they hold."""
    *lines, last = content.split(b"\n")
    found: list[_Scored] = []
    length = 0
    for number, line in enumerate(lines):
        scored = _intact(line)
        if scored is None:
            if last or number + 1 < len(lines):
                raise JournalError(
                    f"{path}: line {number + 2} is damaged; delete it and all after it to go on from there"
                )
            break
        found.append(scored)
        length += len(line) + 1
    return length, found


def _intact(line: bytes) -> _Scored | None:
    """Return what a line holds, or None if it is not as it was written."""
    try:
        decoded = msgspec.json.decode(line, type=_Line)
        numbers = [float(score) for score in decoded.scored.scores]
    except (ValueError, RecursionError):
        return None
    scored = decoded.scored
    return scored if decoded.crc32 == _checksum(scored) and len(numbers) == len(scored.index) else None


def _checksum(scored: _Scored) -> int:
    return zlib.crc32(msgspec.json.encode(scored))
