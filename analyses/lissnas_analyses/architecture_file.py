"""Architectures from a file: official strings, a line each, or a column of a table."""

from pathlib import Path

import polars as pl
from lissnas.errors import ArchitectureError, LissnasError
from lissnas.spaces.space import Space


def read_architectures(path: Path, space: Space) -> tuple[str, ...]:
    """Return the official strings of a file: a line each, or the column `architecture` of a CSV or Parquet file.

    Raises LissnasError for a file that cannot be read, ArchitectureError with the line or row of what is none of the
    space's.
    """
    strings = _strings(path)
    try:
        space.read([string for _, string in strings])
    except ArchitectureError:
        for where, string in strings:
            try:
                space.read([string])
            except ArchitectureError as error:
                raise ArchitectureError(f"{path}, {where}: {error}") from error
    return tuple(string for _, string in strings)


def _strings(path: Path) -> list[tuple[str, str]]:
    """Return where each string stands, and the string."""
    try:
        if path.suffix == ".parquet":
            rows = pl.read_parquet(path, columns=["architecture"])["architecture"].cast(pl.String)
        elif path.suffix == ".csv":
            rows = pl.read_csv(path, columns=["architecture"], infer_schema=False)["architecture"]
        else:
            lines = enumerate(path.read_text().splitlines(), 1)
            return [(f"line {number}", line.strip()) for number, line in lines if line.strip()]
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = error.strerror if isinstance(error, OSError) else (str(error).splitlines() or [""])[0]
        raise LissnasError(
            f"{path}: cannot be read ({reason}); give a file of one official string a line, or of a column "
            "'architecture'"
        ) from error
    return [(f"row {number}", string or "") for number, string in enumerate(rows, 1)]
