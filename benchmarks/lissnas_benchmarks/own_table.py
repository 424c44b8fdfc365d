"""Make a benchmark of your own table: a Parquet, CSV or JSON file with one row per architecture."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from lissnas.bridges.dialects import OFFICIAL, format_names, read_architectures
from lissnas.bridges.gene_values import gene_values
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.official_order import official_order
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Rows, Space
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure, percentage_fault
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.own_file import OwnFile, open_own_file

LISSNAS_INDEX, OFFICIAL_INDEX = INDEX_COLUMN, "official-index"
"""Columns of numbers that name architectures: this project's index of the space, or the benchmark's own numbering."""

_MAX_COPIES = 100
"""A file may have this many rows for each architecture of the space before its duplicates are looked at."""

_MAX_MEASURED = 5_000
"""Maximum number of columns of a table that is made from a file in long format (our own choice)."""

_WHOLE = re.compile(r"(?<=\d)\.0+$")
"""The end of a whole number that a program wrote as a float."""

Number = TypeVar("Number", bound=np.generic)

_MAX_ROWS = 50_000_000
"""Maximum number of rows: a megabyte of Parquet may decompress to any number of equal rows."""


def own_table(
    name: str,
    space: Callable[[], Space],
    path: str | Path,
    *,
    columns: Mapping[str, Column] | Sequence[str],
    gene_columns: Sequence[str] = (),
    named_genes: bool = False,
    string_column: str = "",
    string_format: str = OFFICIAL,
    missing: bool = False,
    sampled: bool = False,
    lower_is_better: Collection[str] = (),
    run_column: str = "",
    epoch_column: str = "",
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
        The file: Parquet, or CSV or JSON that may be compressed. CSV may be separated by commas, semicolons or tabs.
    columns
        What each column of measurements contains. A sequence of names declares metrics of these names, of which higher
        is better, on a data set with the benchmark's name.
    gene_columns
        The columns of the genes, in the order of the space's genes: integers from 0, or the names of the operations in
        official strings.
    named_genes
        Whether these columns have the names of the choices also where the names are numbers.
    string_column
        Instead of genes, the column of official strings. A column called "official-index" has the benchmark's own
        numbering, and one called "lissnas-index" this project's index of the space.
    string_format
        The format of the strings, such as "naslib-201"; `lissnas.bridges.dialects.format_names` lists those of a space.
    missing
        Whether architectures may be absent and measurements empty; both become NaN.
    sampled
        Whether the table has only the file's architectures. This is necessary for a space that is too large to list.
    lower_is_better
        The columns whose values are negated, so that higher is better in the table.
    run_column, epoch_column
        For a file in long format, with one row for each run or epoch of an architecture: the columns of whole numbers
        that number them. Each run becomes a seed, and each epoch a number of epochs.
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
    meaning = dict(columns), tuple(gene_columns), string_column, missing, sampled, string_format, named_genes
    file = DeclaredFile(Path(path).name, space, *meaning, frozenset(lower_is_better), run_column, epoch_column)
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
        rows=file.rows if sampled else None,
        caveats=caveats,
    )


@dataclass(frozen=True)
class DeclaredFile:
    """A table file and what each of its columns means; for the fields see `own_table`."""

    name: str
    space: Callable[[], Space]
    columns: Mapping[str, Column]
    gene_columns: tuple[str, ...]
    string_column: str
    missing: bool
    sampled: bool
    string_format: str = OFFICIAL
    named_genes: bool = False
    lower_is_better: frozenset[str] = frozenset()
    run_column: str = ""
    epoch_column: str = ""

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
        return np.sort(self.read_rows(self._open(source), source.note)[0])

    def rows(self, source: Import) -> Rows:
        file = self._open(source)
        return _listed(self.space(), self._architectures(file, self.space())).all_rows()

    def read(self, source: Import) -> Mapping[Column, Floats]:
        space = self.space()
        if not (self.sampled or space.enumerable):
            raise self._error(f"{space.name} is too large to list every architecture: declare sampled=True")
        index, columns = self.read_rows(self._open(source), source.note)
        if not (self.missing or self.sampled) and len(index) != space.size:
            raise self._error(
                f"{len(index):,} architectures instead of the {space.size:,} of {space.name}; if the others are "
                f"missing, declare missing=True"
            )
        if len(index) < space.size and not self.sampled:
            source.note(f"{self.name}: has {len(index):,} of the {space.size:,} architectures of {space.name}")
        if self.sampled:
            return {column: values[np.argsort(index)] for column, values in columns.items()}
        placed = {column: np.full(space.size, np.nan) for column in columns}
        for column, values in columns.items():
            placed[column][index] = values
        return placed

    def read_rows(self, file: OwnFile, note: Callable[[str], None]) -> tuple[Indices, dict[Column, Floats]]:
        """Return the index of each architecture in the order of the opened file, and its measurements."""
        space = self.space()
        numbering = tuple(name for name in (self.run_column, self.epoch_column) if name)
        if self.gene_columns and not {*self.gene_columns} & {*file.names}:
            genes = ", ".join(self.gene_columns)
            raise self._error(
                f"it has none of the columns of genes ({genes}), but {', '.join(file.names)}: if one of these has the "
                f"architectures, name it with --arch, in Python with string_column"
            )
        for name in (*(self.gene_columns or (self.string_column,)), *numbering, *self.columns):
            if name not in file.names:
                raise UnknownNameError(f"column of {self.name}", name, file.names)
        most = _MAX_ROWS if numbering else min(space.size * _MAX_COPIES, _MAX_ROWS)
        if file.rows > most:
            raise self._error(f"{file.rows:,} rows, but {space.name} has only {space.size:,} architectures")
        rows = self._architectures(file, space)
        for numbers in sorted({LISSNAS_INDEX, OFFICIAL_INDEX} & {*file.names} & {*format_names(space)}):
            if numbers not in (self.string_column, *self.columns) and space.has_index:
                self._check_same_architectures(file, space, rows, numbers)
        if not space.has_index:
            space = _listed(space, rows)
        places = space.places if isinstance(space, ListedSpace) else space.index  # -1 outside a listed space
        index = self._placed(file, lambda part: places(rows[part]))
        columns = {column: self._measurements(file, name, column) for name, column in self.columns.items()}
        runs, measured = self._runs(file)
        place = np.unique(index, return_inverse=True)[1].ravel()
        first = self._first_rows(file, space, np.where(index < 0, -1, place * len(measured) + runs), columns)
        if dropped := len(index) - len(first):
            note(f"{self.name}: dropped {dropped:,} {'copy of a row' if dropped == 1 else 'copies of rows'}")
        if others := int((index[first] < 0).sum()):
            note(f"{self.name}: left out {others:,} architectures that are not in the benchmark")
            first = first[index[first] >= 0]
        if not numbering:
            return index[first], {column: values[first] for column, values in columns.items()}
        return self._spread(space, index[first], runs[first], measured, {c: v[first] for c, v in columns.items()})

    def _runs(self, file: OwnFile) -> tuple[NDArray[np.int64], list[tuple[int | None, int | None]]]:
        """Return which training each row is of, and the run and the epochs of each training of a long file."""
        numbers = [
            file.integers(name, "a whole number") if name else np.zeros(file.rows, dtype=np.int64)
            for name in (self.run_column, self.epoch_column)
        ]
        pairs, place = np.unique(np.stack(numbers, axis=1), axis=0, return_inverse=True)
        if len(pairs) * len(self.columns) > _MAX_MEASURED:
            raise self._error(f"{len(pairs):,} different runs and epochs, more than a table can have as columns")
        used = self.run_column != "", self.epoch_column != ""
        return place.ravel(), [
            (run if used[0] else None, epoch if used[1] else None) for run, epoch in pairs.tolist()
        ] or [(None, None)]

    def _spread(
        self,
        space: Space,
        index: Indices,
        runs: NDArray[np.int64],
        measured: Sequence[tuple[int | None, int | None]],
        columns: Mapping[Column, Floats],
    ) -> tuple[Indices, dict[Column, Floats]]:
        """Return the architectures of a long file, and one column for each measurement, run and epoch."""
        known, place = np.unique(index, return_inverse=True)
        spread: dict[Column, Floats] = {}
        for number, (run, epochs) in enumerate(measured):
            of_run = runs == number
            for column, values in columns.items():
                placed = np.full(len(known), np.nan)
                placed[place[of_run]] = values[of_run]
                after = column.epochs if epochs is None else epochs
                one = replace(column, seed=column.seed if run is None else run, epochs=after)
                if np.isnan(placed).any() and not self.missing:
                    [string] = space.write(space.rows(known[[int(np.isnan(placed).argmax())]]))
                    raise self._error(f"'{string}' has no {one.name}; if values may be missing, declare missing=True")
                spread[one] = placed
        return known, spread

    def _open(self, source: Import) -> OwnFile:
        try:
            return open_own_file(source.files[0])
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror})") from error

    def _first_rows(
        self, file: OwnFile, space: Space, index: Indices, columns: Mapping[Column, Floats]
    ) -> NDArray[np.int64]:
        """Return the first row of each architecture; raises BenchmarkFileError if a later row contradicts it."""
        order = np.argsort(index, kind="stable")
        is_first = np.ones(len(index), dtype=bool)
        is_first[1:] = (np.diff(index[order]) != 0) | (index[order][1:] < 0)
        first_of = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
        for name, values in zip(self.columns, columns.values(), strict=True):
            equal = (values[order] == values[first_of]) | (np.isnan(values[order]) & np.isnan(values[first_of]))
            if not equal.all():
                place = int(equal.argmin())
                one, other = int(first_of[place]), int(order[place])
                numbered = self.run_column and self.epoch_column
                hint = "" if numbered else ", or name the column of the run or epoch: --run-column, --epoch-column"
                raise self._error(
                    f"{file.place(one)} and {file.place(other)} are the same architecture of {space.name}, but {name} "
                    f"is {values[one]:g} and {values[other]:g}: keep one of the rows{hint}"
                )
        return np.sort(order[is_first])

    def _architectures(self, file: OwnFile, space: Space) -> Rows:
        """Return the architecture of each row of the file, shape (n, genes)."""
        full_space = space.full_space if isinstance(space, ListedSpace) else space
        if self.string_column == LISSNAS_INDEX:
            return self._numbered_architectures(file, space, space.rows)
        if self.string_column == OFFICIAL_INDEX:
            try:
                order = official_order(full_space)
            except SettingError as error:
                raise self._error(str(error)) from error
            return self._numbered_architectures(file, full_space, lambda numbers: full_space.rows(order[numbers]))
        if self.string_column:
            form = self.string_format
            texts = file.texts(self.string_column, f"{form} strings", or_numbers=form != OFFICIAL)
            return self._placed(file, lambda part: read_architectures(texts[part], form, full_space))
        return self._genes(file, space)

    def _check_same_architectures(self, file: OwnFile, space: Space, rows: Rows, numbers: str) -> None:
        """Raise BenchmarkFileError if a column of indices names other architectures than those that were read."""
        others = replace(self, gene_columns=(), string_column=numbers)._architectures(file, space)
        if (differs := (rows != others).any(axis=1)).any():
            row = int(differs.argmax())
            one, other = space.write(np.stack([rows[row], others[row]]))
            raise self._error(
                f"{file.place(row)} is the architecture '{one}', but its {numbers} is that of '{other}': remove the "
                f"column that is wrong"
            )

    def _numbered_architectures(
        self, file: OwnFile, space: Space, rows_of: Callable[[NDArray[np.int64]], Rows]
    ) -> Rows:
        numbers = file.integers(self.string_column, f"a whole number from 0 to {space.size - 1}")
        return self._placed(file, lambda part: rows_of(space.checked_index(numbers[part])))

    def _placed(self, file: OwnFile, read: Callable[[slice], NDArray[Number]]) -> NDArray[Number]:
        """Return what `read` returns for all rows; raises BenchmarkFileError with the place of the first wrong one."""
        try:
            return read(slice(None))
        except ArchitectureError:
            right, wrong = 0, file.rows
            while wrong - right > 1:  # the rows before `right` are read, and one before `wrong` is not
                middle = (right + wrong) // 2
                try:
                    read(slice(right, middle))
                    right = middle
                except ArchitectureError:
                    wrong = middle
            try:
                return read(slice(right, wrong))
            except ArchitectureError as error:
                raise self._error(f"{file.place(right)}: {error}") from error

    def _genes(self, file: OwnFile, space: Space) -> NDArray[np.uint8]:
        if len(self.gene_columns) != space.genes:
            raise self._error(f"{len(self.gene_columns)} gene columns are declared, but {space.name} has {space.genes}")
        rows = np.empty((file.rows, space.genes), dtype=np.uint8)
        for gene, (name, values) in enumerate(zip(self.gene_columns, gene_values(space), strict=True)):
            names = () if isinstance(values, range) else tuple(map(str, values))
            is_named = bool(names) and (self.named_genes or file.is_named(name, names))
            rows[:, gene] = self._named(file, name, names) if is_named else self._numbered(file, name, len(values))
        return rows

    def _numbered(self, file: OwnFile, name: str, choices: int) -> NDArray[np.int64]:
        """Return the choices of a gene whose column has integers from 0."""
        values = file.integers(name, f"0 to {choices - 1}")
        outside = (values < 0) | (values >= choices)
        if outside.any():
            row = int(outside.argmax())
            raise self._error(f"{name} is {values[row]} in {file.place(row)}, but must be 0 to {choices - 1}")
        return values

    def _named(self, file: OwnFile, name: str, values: Sequence[str]) -> NDArray[np.int64]:
        """Return the choices of a gene whose column has the names of the operations."""
        choice_of = {value: choice for choice, value in enumerate(values)}
        names = file.texts(name, "names of operations", self.named_genes)
        choice_of |= {text: choice_of.get(_WHOLE.sub("", text), -1) for text in {*names} - choice_of.keys()}
        choices = np.array([choice_of[text] for text in names], dtype=np.int64)
        if (choices < 0).any():
            row = int((choices < 0).argmax())
            known = ", ".join(values)
            raise self._error(f"{name} is '{names[row]}' in {file.place(row)}, but must be one of {known}")
        return choices

    def _measurements(self, file: OwnFile, name: str, column: Column) -> Floats:
        values = file.numbers(name)
        if np.isinf(values).any():
            raise self._error(f"{name} is infinite in {file.place(int(np.isinf(values).argmax()))}")
        if np.isnan(values).any() and not self.missing:
            raise self._error(
                f"{name} is empty in {file.place(int(np.isnan(values).argmax()))}; if values may be "
                f"missing, declare missing=True"
            )
        if (fault := percentage_fault(column, values)) is not None:
            row, why = fault
            raise self._error(f"{name} is {values[row]:g} in {file.place(row)}, {why}")
        return -values if name in self.lower_is_better else values

    def _error(self, why: str) -> BenchmarkFileError:
        return BenchmarkFileError(f"{self.name}: {why}")


def _listed(space: Space, rows: Rows) -> ListedSpace:
    """Return the different architectures of a file as a space, in the order of their genes."""
    return ListedSpace(space, np.unique(rows, axis=0))
