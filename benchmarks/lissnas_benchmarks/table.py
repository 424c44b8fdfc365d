"""Table: a search space with measured columns, the form that every tabular benchmark gets."""

import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from lissnas.errors import SettingError, UnknownNameError
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Space
from lissnas.storage.sealed_parquet import check_seal
from numpy.typing import NDArray

from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import first_line
from lissnas_benchmarks.obtaining.versions import version_folder
from lissnas_benchmarks.table_file import (
    INDEX,
    ROWS,
    curve_file,
    file_checksum,
    read_provenance,
    unreadable_table,
    values_checksum,
)

_VERIFIED: set[tuple[str, int, int, int, int]] = set()
"""The versions of the files of curves that this process has compared with their checksums."""


class Table:
    """A space with measured columns; it reads only the requested columns from its Parquet file.

    Parameters
    ----------
    path
        The file.
    space
        Makes the space whose index orders the rows; called at the first use of `space`.

    Raises
    ------
    BenchmarkFileError
        If the file is not such a table.

    Examples
    --------
    Read the test accuracies of every architecture on CIFAR-100::

        table = load_table("nas-bench-201")
        table.values(Measure("accuracy", "test", epochs=200), "cifar100")
    """

    def __init__(self, path: Path, space: Callable[[], Space]) -> None:
        self.path = path
        self._make_space = space
        self.provenance = read_provenance(path)
        self.columns = self.provenance.columns

    @cached_property
    def space(self) -> Space:
        """The space whose index orders the rows; of a space without an index, the `ListedSpace` of the table."""
        if self.provenance.rows is None:
            return self._make_space()
        try:
            genes = self.frame().select(ROWS).collect()[ROWS].to_list()
            rows = np.frombuffer(b"".join(genes), dtype=np.uint8).reshape(len(genes), -1)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, TypeError, ValueError) as error:
            raise unreadable_table(self.path, first_line(error)) from error
        if zlib.crc32(rows.data) != self.provenance.rows:
            raise unreadable_table(self.path, "its architectures were altered")
        return ListedSpace(self._make_space(), rows)

    def listed(self) -> "Table":
        """Return the table over its own architectures as a space; itself if it is complete."""
        return self if self.complete else _ListedTable(self)

    @cached_property
    def index(self) -> Indices:
        """The indices of the table's architectures in the space, ascending int64."""
        if self.complete:
            return np.arange(self.provenance.size, dtype=np.int64)
        index = self._collect([INDEX])[INDEX].to_numpy()
        if values_checksum(index) != self.provenance.index:
            raise unreadable_table(self.path, "its architectures were altered")
        return index

    @property
    def complete(self) -> bool:
        """Whether the table has a row for every architecture of the space; a sampled table has fewer."""
        return self.provenance.index is None

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, in the order of the source."""
        return tuple(dict.fromkeys(column.dataset for column in self.columns))

    def frame(self) -> pl.LazyFrame:
        """Return a lazy frame of all columns; the rows are in the order of `index`."""
        return pl.scan_parquet(self.path, glob=False)

    def matching(self, measure: Measure, dataset: str) -> tuple[Column, ...]:
        """Return the columns that a measure averages.

        Raises UnknownNameError with the known values if there is no such column, SettingError if the columns have
        several numbers of epochs and the measure does not say which.
        """
        columns = _filter(self.columns, "dataset", dataset)
        columns = _filter(columns, "metric", measure.metric)
        columns = _filter(columns, "split", measure.split)
        if measure.epochs is not None:
            columns = _filter(columns, "epochs", measure.epochs)
        if measure.seeds is not None:
            columns = tuple(column for seed in measure.seeds for column in _filter(columns, "seed", seed))
        epochs = sorted({column.epochs or 0 for column in columns})
        if len(epochs) > 1:
            raise SettingError(f"{measure.describe()} was measured after {epochs} epochs: say which")
        return columns

    def values(self, measure: Measure, dataset: str) -> Floats:
        """Return a measure of every architecture, float64 in the order of `index`, in the column's unit.

        An architecture that lacks one of the measure's seeds is NaN if the measure needs every seed; otherwise only one
        without any of the runs is. Raises UnknownNameError if the table lacks the data set or the measure.
        """
        values = self.read([column.name for column in self.matching(measure, dataset)])
        if measure.needs_every_seed:
            return values.mean(axis=1)
        present = ~np.isnan(values)
        counts = present.sum(axis=1)
        sums = np.where(present, values, 0).sum(axis=1)
        return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)

    def read(self, names: Sequence[str]) -> Floats:
        """Return columns by their names in the file, float64 of shape (rows, columns).

        Raises BenchmarkFileError if the values do not match their checksums.
        """
        frame = self._collect(names)
        expected = dict(zip((column.name for column in self.columns), self.provenance.checksums, strict=True))
        for name in names:
            if values_checksum(frame[name].to_numpy()) != expected[name]:
                raise unreadable_table(self.path, f"the values of {name} were altered")
        return frame.to_numpy().astype(np.float64)

    def to_frame(
        self, names: Sequence[str] | None = None, *, architectures: bool = False, genes: bool = False
    ) -> pl.DataFrame:
        """Return columns as a data frame, with the index of each architecture in the space.

        ``to_frame(...).to_pandas()`` returns a pandas frame and ``to_frame(...).to_arrow()`` an Arrow table; both need
        the extra "bridges".

        Parameters
        ----------
        names
            The columns by their names in the file; None for all.
        architectures
            Whether to add the official strings, as the column "architecture".
        genes
            Whether to add the genes, as the columns "gene0", "gene1", ...

        Returns
        -------
        DataFrame
            One row per architecture, in the order of `index`: "lissnas-index", the added columns, and the measurements;
            NaN where missing.

        Raises
        ------
        UnknownNameError
            If the table has no such column.
        BenchmarkFileError
            If the file was altered.
        """
        known = [column.name for column in self.columns]
        selected = known if names is None else list(dict.fromkeys(names))
        for name in selected:
            if name not in known:
                raise UnknownNameError(f"column of {self.path.name}", name, known)
        frame = pl.DataFrame({INDEX_COLUMN: self.index})
        if architectures or genes:
            rows = self.space.rows(self.index)
            if architectures:
                frame = frame.with_columns(architecture=pl.Series(self.space.write(rows), dtype=pl.String))
            if genes:
                frame = frame.with_columns(pl.Series(f"gene{gene}", rows[:, gene]) for gene in range(self.space.genes))
        values = self.read(selected)
        return frame.with_columns(pl.Series(name, values[:, place]) for place, name in enumerate(selected))

    def _collect(self, names: Sequence[str]) -> pl.DataFrame:
        try:
            check_seal(self.path)
            frame = self.frame().select(list(names)).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            raise unreadable_table(self.path, first_line(error)) from error
        for name in names:
            if not frame[name].dtype.is_numeric() or frame[name].null_count():
                raise unreadable_table(self.path, f"{name} has the type {frame[name].dtype}, or lacks values")
        return frame

    def verify(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Verify all checksums, also of the curves; raises BenchmarkFileError for the first that does not match.

        `progress` is called now and then with the share that is verified, 0 to 1.
        """
        self.index  # noqa: B018
        if self.provenance.rows is not None:
            self.space  # noqa: B018
        parts = len(self.columns) + len(self.provenance.curves)
        for number, column in enumerate(self.columns):
            progress(number / parts)
            self.read([column.name])
        for number, (name, expected) in enumerate(self.provenance.curves.items(), len(self.columns)):
            progress(number / parts)
            self._verify_curve(self._curves / name, expected, again=True)

    def _no_curve(self, column: Column) -> UnknownNameError | SettingError:
        """Return the error for a column without a learning curve, which names those that there are."""
        same = {one for one in self.columns if curve_file(one) in self.provenance.curves}
        others = sorted(
            {one.split for one in same if (one.metric, one.dataset, one.epochs, one.seed) == _without_split(column)}
        )
        if column in self.columns and others:
            return SettingError(
                f"{column.name} is measured after the last epoch only; the splits with a learning curve are "
                f"{', '.join(others)}"
            )
        return UnknownNameError("curve", column.name.replace("/", "."), [curve_file(one)[:-4] for one in same])

    def _verify_curve(self, path: Path, expected: int, again: bool = False) -> None:
        """Compare a file of curves with its checksum, once in a process unless `again`."""
        try:
            status = path.stat()
            version = str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns, expected
            if version not in _VERIFIED or again:
                if file_checksum(path) != expected:
                    raise unreadable_table(self.path, "altered", path)
                _VERIFIED.add(version)
        except OSError as error:
            raise unreadable_table(self.path, "missing", path) from error

    @property
    def _curves(self) -> Path:
        """The folder of the learning curves."""
        return version_folder(self.path.with_suffix(""), self.provenance.curves)

    @property
    def bytes(self) -> int:
        """Size of the table and its curves on the disk, in bytes."""
        folder = self.path.with_suffix("")
        files = [self.path, *(folder.rglob("*") if folder.is_dir() else ())]
        return sum(path.stat().st_size for path in files if path.is_file())

    def curve(self, column: Column) -> NDArray[np.float32]:
        """Return the learning curve of every architecture, memory-mapped float32 of shape (rows, epochs).

        Row i belongs to `index[i]`, column e to epoch e + 1; NaN where missing. The curve of
        ``Column("accuracy", "cifar100", "train", "%", epochs=200, seed=777)`` ends in that column's value. Raises
        UnknownNameError for a column without a curve, BenchmarkFileError if the file was altered. A process compares
        the file with its checksum when it first opens it.
        """
        path = self._curves / curve_file(column)
        expected = self.provenance.curves.get(path.name)
        if expected is None:
            raise self._no_curve(column)
        self._verify_curve(path, expected)
        try:
            curve = np.lib.format.open_memmap(path, mode="r")
        except Exception as error:  # numpy's parser of the header raises many kinds of errors
            raise unreadable_table(self.path, first_line(error), path) from error
        if curve.dtype != np.float32 or curve.ndim != 2 or len(curve) != len(self.index):
            raise unreadable_table(self.path, f"it contains {curve.dtype} of shape {curve.shape}", path)
        return curve


class _ListedTable(Table):
    """A sampled table whose space are its own architectures, in the order of the file."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.path, lambda: ListedSpace(table.space, table.space.rows(table.index)))

    @property
    def complete(self) -> bool:
        return True

    @cached_property
    def index(self) -> Indices:
        return np.arange(self.space.size, dtype=np.int64)


def _without_split(column: Column) -> tuple[str, str, int | None, int | None]:
    return column.metric, column.dataset, column.epochs, column.seed


def _filter(columns: tuple[Column, ...], field: str, value: str | int) -> tuple[Column, ...]:
    """Return the columns whose field has a value; raises UnknownNameError with the values that there are."""
    matches = tuple(column for column in columns if getattr(column, field) == value)
    if not matches:
        raise UnknownNameError(field, str(value), {str(getattr(column, field)) for column in columns})
    return matches
