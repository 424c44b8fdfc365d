"""Your own: any Parquet or CSV file with a row for each architecture becomes a benchmark by one declaration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.bridges.gene_values import gene_values
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.space import Floats, Indices, Space
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.parquet_csv import scan_frame

_MOST_ROWS = 50_000_000
"""How many rows a file may have: a megabyte of Parquet may unpack to any number of equal ones."""


def own_table(
    name: str,
    space: Callable[[], Space],
    path: str | Path,
    *,
    columns: Mapping[str, Column] | Sequence[str],
    gene_columns: Sequence[str] = (),
    string_column: str = "",
    missing: bool = False,
    sampled: bool = False,
    selects: Measure | None = None,
    reports: Measure | None = None,
    page: str = "",
    license: str = "none stated",
    paper: str = "",
    caveats: tuple[str, ...] = (),
) -> TableAdapter:
    """Declare a file of your own as a benchmark.

    Parameters
    ----------
    name
        What the benchmark is called.
    space
        Makes the space of its architectures.
    path
        The file, a ``.parquet`` or ``.csv``.
    columns
        What each of the file's columns of measurements is. Names alone keep their names: each is a metric of that
        name, of which more is better, on a data set called as the benchmark.
    gene_columns
        The columns of the genes, in the order of the space's rows: integers from 0, or the names of the operations as
        official strings write them.
    string_column
        Instead of genes, the column of the architecture's official strings.
    missing
        Whether architectures may be absent and measurements empty; they are NaN then.
    sampled
        Whether the table is to hold the architectures of the file only, as it must where the space is too large for a
        row for each.
    selects, reports
        What a method may see, and what its result is judged by. By default the first column of which more is better,
        and the first of the same metric, data set and epochs whose split is "test".
    page, license, paper, caveats
        As in `Benchmark`.

    Raises
    ------
    SettingError
        If the declaration contradicts itself.

    Examples
    --------
    >>> from lissnas.spaces.published.cell201 import cell201
    >>> benchmark = own_table(
    ...     "mine",
    ...     cell201,
    ...     "mine.parquet",
    ...     gene_columns=[f"edge{gene}" for gene in range(6)],
    ...     columns={
    ...         "val": Column("accuracy", "svhn", "validation", "%"),
    ...         "test": Column("accuracy", "svhn", "test", "%"),
    ...     },
    ... )
    >>> benchmark.reports.describe()
    'test accuracy'
    """
    if isinstance(columns, str) or not isinstance(columns, Mapping):
        names = [columns] if isinstance(columns, str) else list(columns)
        columns = {column: Column(column, name, "", "") for column in names}
    if bool(gene_columns) == bool(string_column):
        raise SettingError(f"{name}: say where its architectures stand, by gene_columns or by string_column")
    if not columns or len(set(columns.values())) != len(columns):
        raise SettingError(f"{name}: give at least one column of measurements, and no two of them alike")
    own = _Own(Path(path).name, space, dict(columns), tuple(gene_columns), string_column, missing, sampled)
    selects = selects or own.selects(name)
    obtain = f"mend {own.file} or its declaration, then run 'lissnas data import {name} {own.file}'"
    return TableAdapter(
        name=name,
        title=f"your own table {own.file}",
        page=page,
        license=license,
        paper=paper,
        space=space,
        files=(OfficialFile(own.file),),
        read=own.read,
        selects=selects,
        reports=reports or own.reports(selects),
        obtain=obtain,
        index=own.index if sampled else None,
        caveats=caveats,
    )


@dataclass(frozen=True)
class _Own:
    """One declaration, and how its file is read."""

    file: str
    space: Callable[[], Space]
    columns: Mapping[str, Column]
    gene_columns: tuple[str, ...]
    string_column: str
    missing: bool
    sampled: bool

    def selects(self, name: str) -> Measure:
        for column in self.columns.values():
            if column.quality:
                return Measure(column.metric, column.split, None, column.epochs)
        raise SettingError(f"{name}: more is better in none of its columns; say by 'selects' what a method may see")

    def reports(self, selects: Measure) -> Measure:
        for column in self.columns.values():
            if (column.metric, column.epochs, column.split) == (selects.metric, selects.epochs, "test"):
                return Measure(column.metric, column.split, None, column.epochs)
        return selects

    def index(self, source: Import) -> Indices:
        space = self.space()
        return np.sort(self._places(self._frame(source.files[0], space), space))

    def read(self, source: Import) -> Mapping[Column, Floats]:
        space = self.space()
        if not (self.sampled or space.enumerable):
            raise self._error(f"{space.name} is too large for a row for each architecture: declare sampled=True")
        frame = self._frame(source.files[0], space)
        place = self._places(frame, space)
        if not (self.missing or self.sampled) and len(place) != space.size:
            raise self._error(
                f"{len(place):,} architectures instead of the {space.size:,} of {space.name}; if others are to count "
                f"as missing, declare missing=True"
            )
        columns: dict[Column, Floats] = {}
        for name, column in self.columns.items():
            values = self._measurements(frame[name])
            if self.sampled:
                columns[column] = values[np.argsort(place)]
            else:
                columns[column] = np.full(space.size, np.nan)
                columns[column][place] = values
        return columns

    def _frame(self, path: Path, space: Space) -> pl.DataFrame:
        if path.suffix not in (".parquet", ".csv"):
            raise self._error("neither a .parquet nor a .csv file")
        architectures = self.gene_columns or (self.string_column,)
        wanted = list(dict.fromkeys((*architectures, *self.columns)))
        try:
            lazy = scan_frame(path)
            present = lazy.collect_schema().names()
            for name in wanted:
                if name not in present:
                    raise UnknownNameError(f"column of {self.file}", name, present)
            rows, most = lazy.select(pl.len()).collect().item(), min(space.size, _MOST_ROWS)
            if rows > most:
                raise self._error(f"{rows:,} rows, but {space.name} may have {most:,} different architectures at most")
            return lazy.select(wanted).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise self._error(f"cannot be read ({first_line(error)})") from error

    def _places(self, frame: pl.DataFrame, space: Space) -> Indices:
        """Return the place in the space of each row of the file, none twice."""
        rows = self._strings(frame, space) if self.string_column else self._genes(frame, space)
        try:
            place = space.index(rows)
        except ArchitectureError as error:
            raise self._error(str(error)) from error
        order = np.argsort(place, kind="stable")
        twice = np.flatnonzero(np.diff(place[order]) == 0)
        if len(twice):
            first, second = order[twice[0]], order[twice[0] + 1]
            raise self._error(f"rows {first} and {second} are the same architecture of {space.name}")
        return place

    def _strings(self, frame: pl.DataFrame, space: Space) -> NDArray[np.uint8]:
        strings = frame[self.string_column]
        self._require(strings, pl.String, "official strings")
        try:
            return space.read(strings.to_list())
        except ArchitectureError as error:
            raise self._error(str(error)) from error

    def _genes(self, frame: pl.DataFrame, space: Space) -> NDArray[np.uint8]:
        if len(self.gene_columns) != space.genes:
            raise self._error(f"{len(self.gene_columns)} gene columns are declared, but {space.name} has {space.genes}")
        rows = np.empty((frame.height, space.genes), dtype=np.uint8)
        for gene, (name, values) in enumerate(zip(self.gene_columns, gene_values(space), strict=True)):
            is_named = frame[name].dtype == pl.String and not isinstance(values, range)
            rows[:, gene] = self._named(frame[name], values) if is_named else self._numbered(frame[name], len(values))
        return rows

    def _numbered(self, genes: pl.Series, choices: int) -> NDArray[np.int64]:
        """Return the choices of a gene that the file counts from 0."""
        self._require(genes, pl.Int64, f"integers from 0 to {choices - 1}")
        try:
            values = genes.cast(pl.Int64).to_numpy()
        except pl.exceptions.PolarsError as error:
            raise self._error(f"{genes.name} holds larger numbers than any choice ({first_line(error)})") from error
        outside = (values < 0) | (values >= choices)
        if outside.any():
            row = int(outside.argmax())
            raise self._error(f"{genes.name} is {values[row]} in row {row}, but has {choices} choices, counted from 0")
        return values

    def _named(self, genes: pl.Series, values: Sequence[str | int]) -> NDArray[np.int64]:
        """Return the choices of a gene that the file calls by the names of the operations."""
        self._require(genes, pl.String, "names of operations")
        places = {value: place for place, value in enumerate(values)}
        found = genes.replace_strict(places, default=-1, return_dtype=pl.Int64).to_numpy()
        if (found < 0).any():
            row = int((found < 0).argmax())
            known = ", ".join(map(str, values))
            raise self._error(f"{genes.name} is '{genes[row]}' in row {row}, but in this space one of {known}")
        return found

    def _require(self, column: pl.Series, kind: type[pl.DataType], what: str) -> None:
        matches = column.dtype.is_integer() if kind is pl.Int64 else column.dtype == kind
        if not matches:
            raise self._error(f"{column.name} holds {column.dtype}, not {what}")
        if column.null_count():
            raise self._error(f"{column.name} is empty in row {column.is_null().arg_max()}")

    def _measurements(self, column: pl.Series) -> Floats:
        if not column.dtype.is_numeric():
            raise self._error(f"{column.name} holds {column.dtype}, not numbers")
        values = column.cast(pl.Float64).to_numpy().astype(np.float64)
        if np.isinf(values).any():
            raise self._error(f"{column.name} is infinite in row {np.isinf(values).argmax()}")
        if np.isnan(values).any() and not self.missing:
            raise self._error(
                f"{column.name} is empty in row {np.isnan(values).argmax()}; if that is as it should be, declare "
                f"missing=True"
            )
        return values

    def _error(self, why: str) -> BenchmarkFileError:
        return BenchmarkFileError(f"{self.file}: {why}")
