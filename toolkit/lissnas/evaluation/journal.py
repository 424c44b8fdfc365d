"""Journal: a file to which a run appends its scores, so that a killed run resumes with the same bits.

The file consists of JSON lines. The first line has the identity of the run. Each other line has some architectures and
their scores, in the order of evaluation, and is on the disk before the run continues. A run that opens its journal
again repeats the same draws and reads the recorded scores from it.
"""

import os
import zlib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from lissnas.errors import JournalError
from lissnas.spaces.space import Floats, Indices
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity

FORMAT = 2
"""Version of the file's layout. Files of other versions are refused."""

ROWS_PER_LINE = 8
"""Number of architectures in a line, unless the evaluator sets `rows_at_once` by what an architecture costs: a killed
run loses at most this many."""

_Place = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Scored(msgspec.Struct, frozen=True):
    """The content of a line: places in the space and their scores; NaN and infinite scores are strings."""

    index: list[_Place]
    scores: list[float | str]


class _Line(msgspec.Struct, frozen=True):
    crc32: int
    scored: _Scored


class Journal:
    """The scores of one run, in a file.

    Parameters
    ----------
    path
        The file. If it exists, the run resumes from it.
    run
        The identity of the run. The file of another run is refused, unless it has no scores: then it becomes the file
        of this run.

    Raises
    ------
    JournalError
        If the file belongs to another run, has another format, is damaged before its last line, or cannot be written.
        An incomplete last line is dropped.

    Examples
    --------
    >>> journal = Journal(Path("run.jsonl"), RunIdentity(seed=1))
    >>> journal.record(np.array([3, 5]), np.array([91.2, np.nan]))
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
        length, lines = _complete_lines(path, rest)
        self._length = len(first) + 1 + length
        if self._length < len(content):
            os.truncate(path, self._length)
        self._index = np.array([place for line in lines for place in line.index], dtype=np.int64)
        self._scores = np.array([float(score) for line in lines for score in line.scores])
        self._replayed = 0

    def replay(self, index: Indices) -> Floats:
        """Return the recorded scores of the first of these architectures, shape (at most n,).

        Raises JournalError if the journal has other architectures at this point.
        """
        recorded = slice(self._replayed, self._replayed + len(index))
        known = self._index[recorded]
        if (known != index[: len(known)]).any():
            raise JournalError(
                f"{self._path}: from evaluation {self._replayed + 1:,} on it has other networks than this run "
                f"evaluates, because another version of the program wrote it; begin a new journal"
            )
        self._replayed += len(known)
        return self._scores[recorded]

    def record(self, index: Indices, scores: Floats) -> None:
        """Append architectures and their scores; both are on the disk when this returns.

        Raises JournalError if the file cannot be written, or another run writes to it.
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
            raise JournalError(f"{self._path}: {error.strerror}; run again with this journal to resume") from error
        self._length += len(line)


def _records_nothing(content: bytes) -> bool:
    """Return whether this is a journal of our format that ends after its first line."""
    return content.startswith(b'{"lissnas_journal":%d,' % FORMAT) and content.find(b"\n") == len(content) - 1


def _read_header(path: Path, line: bytes) -> dict[str, Any]:
    """Return the identity in the first line of a journal; raises JournalError if it is not a journal of our format."""
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


def _complete_lines(path: Path, content: bytes) -> tuple[int, list[_Scored]]:
    """Return the length of the complete lines in bytes, and their content."""
    *lines, last = content.split(b"\n")
    complete: list[_Scored] = []
    length = 0
    for number, line in enumerate(lines):
        scored = _read_line(line)
        if scored is None:
            if last or number + 1 < len(lines):
                raise JournalError(
                    f"{path}: line {number + 2} is damaged; delete it and all later lines to resume from there"
                )
            break
        complete.append(scored)
        length += len(line) + 1
    return length, complete


def _read_line(line: bytes) -> _Scored | None:
    """Return the content of a line, or None if it is damaged."""
    try:
        decoded = msgspec.json.decode(line, type=_Line)
        numbers = [float(score) for score in decoded.scored.scores]
    except (ValueError, RecursionError):
        return None
    scored = decoded.scored
    return scored if decoded.crc32 == _checksum(scored) and len(numbers) == len(scored.index) else None


def _checksum(scored: _Scored) -> int:
    return zlib.crc32(msgspec.json.encode(scored))
