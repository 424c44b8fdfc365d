"""RowStore: the growing file of the rows of a grid, sorted by its key columns.

The key columns also say which runs are stored, so that none is computed twice.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from lissnas.storage.run_identity import RunIdentity

from lissnas_analyses.grid.growing_file import GrowingFile

FORMAT = 2
"""Version of the metadata in the file. Files of other versions are refused."""

SETTING_PREFIX = "settings."
"""Prefix of the columns that hold the settings of a shrinker."""


@contextmanager
def open_row_store(
    path: Path | None,
    identity: RunIdentity,
    point_columns: Mapping[str, pl.DataType],
    row_columns: Sequence[str] = (),
) -> Iterator["RowStore"]:
    """Open a `RowStore` for as long as the context lasts; without a path, in a temporary folder."""
    if path is None:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_row_store(Path(folder) / "rows.parquet", identity, point_columns, row_columns) as store,
        ):
            yield store
    else:
        with RowStore(path, identity, point_columns, row_columns) as store:
            yield store


class RowStore(GrowingFile):
    """A growing file of rows. Inside its context, no other process writes to it.

    Parameters
    ----------
    path
        The file. Parts are in a folder next to it.
    identity
        What the rows were computed from.
    point_columns
        The columns that tell grid points apart, with their types; columns that begin with `SETTING_PREFIX` do, too.
    row_columns
        The columns that tell the rows of one run apart, if a run has several.

    Raises
    ------
    LissnasError
        If another process is writing there, if the rows have another identity, or if they cannot be read.
    """

    version = FORMAT
    busy = "another process is writing there; wait for it, or choose another folder with --out"
    unreadable = "not readable ({reason}); delete it, and its rows are computed again"

    def __init__(
        self,
        path: Path,
        identity: RunIdentity,
        point_columns: Mapping[str, pl.DataType],
        row_columns: Sequence[str] = (),
    ) -> None:
        super().__init__(path, identity)
        self.point_columns = point_columns
        self._row_columns = row_columns

    @property
    def _named(self) -> Path:
        return self.path.parent

    def _remedy(self, path: Path) -> str:
        delete = self.path if path == self.path else self._parts
        return f"choose another folder with --out, or delete {delete} to compute its rows again"

    def runs_by_point(self) -> dict[frozenset[tuple[str, Any]], set[int]]:
        """Return the stored runs of each grid point and seed, which are named by their columns without nulls."""
        if self.rows.is_empty():
            return {}
        named = [*self._columns_of_points(self.rows), "seed"]
        grouped = self.rows.group_by(named).agg("run")
        return {
            frozenset((name, row[name]) for name in named if row[name] is not None): set(row["run"])
            for row in grouped.iter_rows(named=True)
        }

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows as a new part."""
        self._append(pl.DataFrame(rows, infer_schema_length=None))

    def _combined(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return self._sorted(pl.concat(frames, how="diagonal_relaxed")) if frames else pl.DataFrame()

    def _sorted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return each row once, in an order that does not depend on the order of computation."""
        unused = [
            name
            for name in frame.columns
            if name.startswith(SETTING_PREFIX) and frame[name].null_count() == frame.height
        ]
        frame = frame.drop(unused).with_columns(
            pl.col(name).cast(kind) for name, kind in self.point_columns.items() if frame.schema[name] != kind
        )
        key = [*self._columns_of_points(frame), "seed", "run", *self._row_columns]
        others = [name for name in frame.columns if name not in key]
        return frame.unique(key, keep="any").sort(key, nulls_last=True).select(*key, *others).rechunk()

    def _columns_of_points(self, frame: pl.DataFrame) -> list[str]:
        return [*self.point_columns, *sorted(name for name in frame.columns if name.startswith(SETTING_PREFIX))]
