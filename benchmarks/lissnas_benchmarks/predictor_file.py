"""Read the scores that a predictor gave to architectures, from a Parquet or CSV file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.readers.parquet_csv import scan_frame

STRINGS = ("architecture", "arch")
"""Names of the column of official strings. The only column of strings may have any name."""

INDEX = "index"
"""Name of the column of indices in the space, which is used if the file has neither strings nor genes."""


@dataclass(frozen=True)
class Predictor:
    """Predicted scores of a space's architectures.

    Attributes
    ----------
    name
        The predictor's name.
    origin
        The file that the scores come from.
    scores
        float64 of shape (size,) in the order of the space's index, NaN where missing; higher is better.
    """

    name: str
    origin: str
    scores: Floats

    def describe(self) -> str:
        """Return a description of the scores, for a caption."""
        return f"the scores {self.name} of {self.origin}"


def read_predictors(source: str, space: Space) -> list[Predictor]:
    """Return the predictors in FILE, FILE:COLUMN, or FILE:-COLUMN if lower is better.

    The file has one row per architecture. The row names the architecture by a column of official strings, by columns
    gene0, gene1, ..., or, without either, by a column "index". That is this project's index of the space, which may
    differ from a benchmark's own numbering. Without COLUMN every other numeric column is a predictor. Empty cells, NaN
    and absent rows are missing scores. Any other mark of a failure counts as a number.

    Raises
    ------
    MissingFileError
        If there is no such file.
    BenchmarkFileError
        If the file cannot be read, names no architectures, or has one twice.
    UnknownNameError
        If the file has no such column.
    """
    file, column = _split(source)
    path = Path(file)
    frame = _read(path)
    names = frame.columns
    genes = [f"gene{gene}" for gene in range(space.genes)]
    strings = [name for name in names if frame[name].dtype == pl.String]
    named = [name for name in STRINGS if name in strings] or (strings if len(strings) == 1 else [])
    by_index = not named and not set(genes) <= set(names)
    if by_index and INDEX not in names:
        raise BenchmarkFileError(
            f"{path}: no column names the architectures: add a column 'architecture' of official strings, "
            f"or columns gene0 to {genes[-1]}"
        )
    scores = [name for name in names if name not in (*genes, INDEX) and frame[name].dtype.is_numeric()]
    selected = [column.removeprefix("-")] if column else scores
    if not selected:
        raise BenchmarkFileError(f"{path}: it has no numeric column of scores")
    if by_index:
        columns = [_by_index(path, frame, name, space) for name in selected]
    else:
        adapter = own_table(
            path.stem,
            lambda: space,
            path,
            columns=selected,
            string_column=named[0] if named else "",
            gene_columns=() if named else genes,
            missing=True,
        )
        columns = list(adapter.read(Import((path,), path.parent)).values())
    sign = -1 if column.startswith("-") else 1
    return [Predictor(name, path.name, sign * values) for name, values in zip(selected, columns, strict=True)]


def read_predictor(source: str, space: Space) -> Predictor:
    """Return the one predictor that FILE or FILE:COLUMN names; raises SettingError if it names several."""
    predictors = read_predictors(source, space)
    if len(predictors) > 1:
        names = ", ".join(predictor.name for predictor in predictors)
        raise SettingError(f"{source} has several predictors ({names}): choose one with {source}:COLUMN")
    return predictors[0]


def _split(source: str) -> tuple[str, str]:
    file, colon, column = source.rpartition(":")
    return (source, "") if not colon or Path(source).exists() else (file, column)


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise MissingFileError(f"{path}: this file of scores does not exist; name a file as FILE or FILE:COLUMN")
    try:
        return scan_frame(path).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise BenchmarkFileError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error


def _by_index(path: Path, frame: pl.DataFrame, name: str, space: Space) -> Floats:
    if name not in frame.columns:
        raise UnknownNameError(f"column of {path.name}", name, frame.columns)
    if not frame[INDEX].dtype.is_integer() or frame[INDEX].null_count():
        raise BenchmarkFileError(f"{path}: '{INDEX}' is not an integer in every row")
    try:
        index = space.checked_index(frame[INDEX].to_numpy())
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{path}: {error}") from error
    if len(np.unique(index)) < len(index):
        raise BenchmarkFileError(f"{path}: '{INDEX}' has an architecture twice")
    scores = np.full(space.size, np.nan)
    scores[index] = frame[name].cast(pl.Float64).to_numpy()
    return scores
