"""Make a benchmark of your own table: a Parquet or CSV file with one row per architecture."""

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

_MAX_ROWS = 50_000_000
"""Maximum number of rows: a megabyte of Parquet may decompress to any number of equal rows."""


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
        The benchmark's name.
    space
        Makes its search space.
    path
        The file, ``.parquet`` or ``.csv``.
    columns
        What each column of measurements contains. A sequence of names declares metrics of these names, of which higher
        is better, on a data set with the benchmark's name.
    gene_columns
        The columns of the genes, in the order of the space's genes: integers from 0, or the names of the operations in
        official strings.
    string_column
        Instead of genes, the column of official strings.
    missing
        Whether architectures may be absent and measurements empty; both become NaN.
    sampled
        Whether the table has only the file's architectures. This is necessary for a space that is too large to list.
    selects, reports
        What methods may see, and what their results are judged by. By default the first column of which higher is
        better, and the first of the same metric and epochs whose split is "test".
    page, license, paper, caveats
        As in `Adapter`.

    Raises
    ------
    SettingError
        If the declaration contradicts itself.

    Examples
    --------
    >>> from lissnas.spaces.published.cell201 import cell201
    >>> adapter = own_table(
    ...     "mine",
    ...     cell201,
    ...     "mine.parquet",
    ...     gene_columns=[f"edge{gene}" for gene in range(6)],
    ...     columns={
    ...         "val": Column("accuracy", "svhn", "validation", "%"),
    ...         "test": Column("accuracy", "svhn", "test", "%"),
    ...     },
    ... )
    >>> adapter.reports.describe()
    'test accuracy'
    """
    if isinstance(columns, str) or not isinstance(columns, Mapping):
        names = [columns] if isinstance(columns, str) else list(columns)
        columns = {column: Column(column, name, "", "") for column in names}
    if bool(gene_columns) == bool(string_column):
        raise SettingError(f"{name}: give either gene_columns or string_column, which name the architectures")
    if not columns or len(set(columns.values())) != len(columns):
        raise SettingError(f"{name}: give at least one column of measurements, and no two of the same measurement")
    file = _TableFile(Path(path).name, space, dict(columns), tuple(gene_columns), string_column, missing, sampled)
    selects = selects or file.selects(name)
    obtain = f"correct {file.name} or its declaration, then run 'lissnas data import {name} {file.name}'"
    return TableAdapter(
        name=name,
        title=f"your own table {file.name}",
        page=page,
        license=license,
        paper=paper,
        space=space,
        files=(OfficialFile(file.name),),
        read=file.read,
        selects=selects,
        reports=reports or file.reports(selects),
        obtain=obtain,
        index=file.index if sampled else None,
        caveats=caveats,
    )


@dataclass(frozen=True)
class _TableFile:
    """The declared file and how it is read."""

    name: str
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
        raise SettingError(
            f"{name}: higher is better in none of its columns; declare what methods may see by 'selects'"
        )

    def reports(self, selects: Measure) -> Measure:
        for column in self.columns.values():
            if (column.metric, column.epochs, column.split) == (selects.metric, selects.epochs, "test"):
                return Measure(column.metric, column.split, None, column.epochs)
        return selects

    def index(self, source: Import) -> Indices:
        space = self.space()
        return np.sort(self._indices(self._frame(source.files[0], space), space))

    def read(self, source: Import) -> Mapping[Column, Floats]:
        space = self.space()
        if not (self.sampled or space.enumerable):
            raise self._error(f"{space.name} is too large to list every architecture: declare sampled=True")
        frame = self._frame(source.files[0], space)
        index = self._indices(frame, space)
        if not (self.missing or self.sampled) and len(index) != space.size:
            raise self._error(
                f"{len(index):,} architectures instead of the {space.size:,} of {space.name}; if the others are "
                f"missing, declare missing=True"
            )
        columns: dict[Column, Floats] = {}
        for name, column in self.columns.items():
            values = self._measurements(frame[name])
            if self.sampled:
                columns[column] = values[np.argsort(index)]
            else:
                columns[column] = np.full(space.size, np.nan)
                columns[column][index] = values
        return columns

    def _frame(self, path: Path, space: Space) -> pl.DataFrame:
        if path.suffix not in (".parquet", ".csv"):
            raise self._error("it is neither a .parquet nor a .csv file")
        architectures = self.gene_columns or (self.string_column,)
        needed = list(dict.fromkeys((*architectures, *self.columns)))
        try:
            lazy = scan_frame(path)
            present = lazy.collect_schema().names()
            for name in needed:
                if name not in present:
                    raise UnknownNameError(f"column of {self.name}", name, present)
            rows, most = lazy.select(pl.len()).collect().item(), min(space.size, _MAX_ROWS)
            if rows > most:
                raise self._error(f"{rows:,} rows, but the maximum is {most:,} architectures of {space.name}")
            return lazy.select(needed).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise self._error(f"cannot be read ({first_line(error)})") from error

    def _indices(self, frame: pl.DataFrame, space: Space) -> Indices:
        """Return the index in the space of each row of the file; raises BenchmarkFileError if one occurs twice."""
        rows = self._strings(frame, space) if self.string_column else self._genes(frame, space)
        try:
            index = space.index(rows)
        except ArchitectureError as error:
            raise self._error(str(error)) from error
        order = np.argsort(index, kind="stable")
        twice = np.flatnonzero(np.diff(index[order]) == 0)
        if len(twice):
            first, second = order[twice[0]], order[twice[0] + 1]
            raise self._error(f"rows {first} and {second} are the same architecture of {space.name}")
        return index

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
        """Return the choices of a gene whose column has integers from 0."""
        self._require(genes, pl.Int64, f"integers from 0 to {choices - 1}")
        try:
            values = genes.cast(pl.Int64).to_numpy()
        except pl.exceptions.PolarsError as error:
            raise self._error(f"{genes.name} has larger numbers than any choice ({first_line(error)})") from error
        outside = (values < 0) | (values >= choices)
        if outside.any():
            row = int(outside.argmax())
            raise self._error(f"{genes.name} is {values[row]} in row {row}, but must be 0 to {choices - 1}")
        return values

    def _named(self, genes: pl.Series, values: Sequence[str | int]) -> NDArray[np.int64]:
        """Return the choices of a gene whose column has the names of the operations."""
        self._require(genes, pl.String, "names of operations")
        choice_of = {value: choice for choice, value in enumerate(values)}
        choices = genes.replace_strict(choice_of, default=-1, return_dtype=pl.Int64).to_numpy()
        if (choices < 0).any():
            row = int((choices < 0).argmax())
            known = ", ".join(map(str, values))
            raise self._error(f"{genes.name} is '{genes[row]}' in row {row}, but must be one of {known}")
        return choices

    def _require(self, column: pl.Series, kind: type[pl.DataType], what: str) -> None:
        matches = column.dtype.is_integer() if kind is pl.Int64 else column.dtype == kind
        if not matches:
            raise self._error(f"{column.name} has the type {column.dtype}, not {what}")
        if column.null_count():
            raise self._error(f"{column.name} is empty in row {column.is_null().arg_max()}")

    def _measurements(self, column: pl.Series) -> Floats:
        if not column.dtype.is_numeric():
            raise self._error(f"{column.name} has the type {column.dtype}, not numbers")
        values = column.cast(pl.Float64).to_numpy().astype(np.float64)
        if np.isinf(values).any():
            raise self._error(f"{column.name} is infinite in row {np.isinf(values).argmax()}")
        if np.isnan(values).any() and not self.missing:
            raise self._error(
                f"{column.name} is empty in row {np.isnan(values).argmax()}; if values may be "
                f"missing, declare missing=True"
            )
        return values

    def _error(self, why: str) -> BenchmarkFileError:
        return BenchmarkFileError(f"{self.name}: {why}")
