"""A CSV file of official architecture strings, one a line under a header: what every tool and every person can read."""

import csv
import io
from pathlib import Path

import numpy as np

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Rows, Space
from lissnas.storage.atomic_write import atomic_write

COLUMN = "architecture"
"""The header of the column of official strings."""

_READ_AT_ONCE = 4096

_NAMED_AT_MOST = 3
"""How many lines with something wrong an error names."""


def write_strings(rows: Rows, space: Space, path: Path) -> None:
    """Write the official string of each row, in their order; the file is written beside its place and moved there."""
    with atomic_write(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([COLUMN])
        writer.writerows([string] for string in space.write(rows))


def read_strings(path: Path, space: Space) -> Rows:
    """Return the rows of a file's official strings, in their order, shape (n, genes).

    Columns beside "architecture" are passed over, and so are empty lines.

    Raises
    ------
    ArchitectureError
        If the file cannot be read, has no such column, or has strings that are not in the space: the first three such
        lines are named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if header.count(COLUMN) != 1:
                raise ArchitectureError(f"{path}: its first line is not a header with one column '{COLUMN}'")
            place = header.index(COLUMN)
            numbered = [(lines.line_num, line[place] if place < len(line) else "") for line in lines if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchitectureError(f"{path}: cannot be read ({error})") from error
    parts, wrong = [np.empty((0, space.genes), dtype=np.uint8)], 0
    named: list[str] = []
    for first in range(0, len(numbered), _READ_AT_ONCE):
        part = numbered[first : first + _READ_AT_ONCE]
        try:
            parts.append(space.read([string for _line, string in part]))
        except ArchitectureError:
            faults = [fault for line, string in part if (fault := _fault(line, string, space))]
            wrong += len(faults)
            named += faults[: _NAMED_AT_MOST - len(named)]
    if wrong:
        raise ArchitectureError(
            f"{path}: {wrong:,} of {len(numbered):,} architectures cannot be read: {'; '.join(named)}"
        )
    return np.concatenate(parts)


def _fault(line: int, string: str, space: Space) -> str:
    try:
        space.read([string])
    except ArchitectureError as error:
        return f"line {line}: {error}"
    return ""
