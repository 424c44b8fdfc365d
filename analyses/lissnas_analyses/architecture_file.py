"""Architectures from a file: official strings, a line each, or a column of a table."""

from pathlib import Path

import polars as pl
from lissnas.errors import LissnasError


def read_architectures(path: Path) -> tuple[str, ...]:
    """Return the official strings of a file: a line each, or the column `architecture` of a CSV or Parquet file.

    Raises LissnasError for a file that cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return tuple(pl.read_parquet(path, columns=["architecture"])["architecture"].cast(pl.String))
        lines = path.read_text().splitlines()
        if path.suffix == ".csv":
            return tuple(pl.read_csv(path, columns=["architecture"], infer_schema=False)["architecture"])
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = error.strerror if isinstance(error, OSError) else (str(error).splitlines() or [""])[0]
        raise LissnasError(
            f"{path}: cannot be read ({reason}); give a file of one official string a line, or of a column "
            "'architecture'"
        ) from error
    return tuple(line.strip() for line in lines if line.strip())
