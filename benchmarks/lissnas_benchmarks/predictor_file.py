"""Predictor file: scores that somebody's predictor gave to architectures, in a Parquet or CSV file."""

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
"""What the column of official strings may be called; any other name will do where it is the only column of strings."""

INDEX = "index"
"""The column of the architectures' places in the space, which counts where there is nothing else to name them."""


@dataclass(frozen=True)
class Predictor:
    """Predicted scores of a space's architectures.

    Attributes
    ----------
    name
        What it is called.
    origin
        Where the scores are from.
    scores
        Shape (size,) in the order of the space's index, NaN where missing; more is better.
    """

    name: str
    origin: str
    scores: Floats

    def describe(self) -> str:
        """Return what scores these are, for a caption."""
        return f"the scores {self.name} of {self.origin}"


def read_predictors(source: str, space: Space) -> list[Predictor]:
    """Read predicted scores from FILE, FILE:COLUMN, or FILE:-COLUMN where lower is better.

    The file has a row for each architecture, which it names by a column of official strings; by columns gene0, gene1,
    and so on; or, without either, by a column "index", the place in the space as this project counts, which no
    benchmark's own numbering need be. Without a COLUMN every other column of numbers is a predictor. Empty and NaN are
    missing scores, and so are rows that are not there; any other mark of a failure is a number like all others.

    Raises
    ------
    MissingFileError
        If there is no such file.
    BenchmarkFileError
        If it cannot be read, names no architectures, or holds one twice.
    UnknownNameError
        If it has no such column.
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
            f"{path}: nothing says which architecture a row is: give it a column 'architecture' of official strings, "
            f"or columns gene0 to {genes[-1]}"
        )
    scores = [name for name in names if name not in (*genes, INDEX) and frame[name].dtype.is_numeric()]
    wanted = [column.removeprefix("-")] if column else scores
    if not wanted:
        raise BenchmarkFileError(f"{path}: no column of numbers in it is a score")
    if by_index:
        columns = [_by_index(path, frame, name, space) for name in wanted]
    else:
        benchmark = own_table(
            path.stem,
            lambda: space,
            path,
            columns=wanted,
            string_column=named[0] if named else "",
            gene_columns=() if named else genes,
            missing=True,
        )
        columns = list(benchmark.read(Import((path,), path.parent)).values())
    sign = -1 if column.startswith("-") else 1
    return [Predictor(name, path.name, sign * values) for name, values in zip(wanted, columns, strict=True)]


def read_predictor(source: str, space: Space) -> Predictor:
    """Read the one predictor that FILE or FILE:COLUMN names; raises SettingError if it names several."""
    found = read_predictors(source, space)
    if len(found) > 1:
        names = ", ".join(predictor.name for predictor in found)
        raise SettingError(f"{source} holds several scores ({names}): choose one with {source}:COLUMN")
    return found[0]


def _split(source: str) -> tuple[str, str]:
    file, colon, column = source.rpartition(":")
    return (source, "") if not colon or Path(source).exists() else (file, column)


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise MissingFileError(f"{path}: there is no such file of scores; write it as FILE or FILE:COLUMN")
    try:
        return scan_frame(path).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise BenchmarkFileError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error


def _by_index(path: Path, frame: pl.DataFrame, name: str, space: Space) -> Floats:
    if name not in frame.columns:
        raise UnknownNameError(f"column of {path.name}", name, frame.columns)
    if not frame[INDEX].dtype.is_integer() or frame[INDEX].null_count():
        raise BenchmarkFileError(f"{path}: '{INDEX}' does not hold an integer in every row")
    try:
        place = space.checked_index(frame[INDEX].to_numpy())
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{path}: {error}") from error
    if len(np.unique(place)) < len(place):
        raise BenchmarkFileError(f"{path}: '{INDEX}' holds an architecture twice")
    scores = np.full(space.size, np.nan)
    scores[place] = frame[name].cast(pl.Float64).to_numpy()
    return scores
