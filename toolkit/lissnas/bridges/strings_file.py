"""Read and write a CSV file of official architecture strings: one per line, under a header."""

import csv
import io
from pathlib import Path

import numpy as np

from lissnas.bridges.dialects import OFFICIAL, read_architectures
from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Rows, Space
from lissnas.storage.atomic_write import atomic_write

COLUMN = "architecture"
"""Header of the column of official strings."""

_READ_AT_ONCE = 4096
"""Number of strings to parse in one batch."""

_MAX_NAMED = 3
"""Maximum number of bad lines that an error names."""


def write_strings(rows: Rows, space: Space, path: Path) -> None:
    """Write the official string of each row, in order. The file is replaced atomically."""
    with atomic_write(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([COLUMN])
        writer.writerows([string] for string in space.write(rows))


def read_strings(path: Path, space: Space, form: str = OFFICIAL) -> Rows:
    """Return the row of each architecture of a file, in order, shape (n, genes).

    `form` is the format of its texts, one of `format_names`; by default they are official strings. Columns other than
    "architecture" and empty lines are ignored.

    Raises
    ------
    ArchitectureError
        If the file cannot be read, has no such column, or has strings that are not in the space. The error names the
        first three of these lines.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            if header.count(COLUMN) != 1:
                raise ArchitectureError(f"{path}: its first line is not a header with one column '{COLUMN}'")
            column = header.index(COLUMN)
            numbered = [(lines.line_num, line[column] if column < len(line) else "") for line in lines if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchitectureError(f"{path}: cannot be read ({error})") from error
    batches, bad_lines = [np.empty((0, space.genes), dtype=np.uint8)], 0
    named: list[str] = []
    for first in range(0, len(numbered), _READ_AT_ONCE):
        batch = numbered[first : first + _READ_AT_ONCE]
        try:
            batches.append(read_architectures([string for _line, string in batch], form, space))
        except ArchitectureError:
            faults = [fault for line, string in batch if (fault := _fault(line, string, form, space))]
            bad_lines += len(faults)
            named += faults[: _MAX_NAMED - len(named)]
    if bad_lines:
        raise ArchitectureError(
            f"{path}: {bad_lines:,} of {len(numbered):,} architectures cannot be read: {'; '.join(named)}"
        )
    return np.concatenate(batches)


def _fault(line: int, string: str, form: str, space: Space) -> str:
    try:
        read_architectures([string], form, space)
    except ArchitectureError as error:
        return f"line {line}: {error}"
    return ""
