"""RowStore: one Parquet file of rows that grows, survives a kill, and always ends as the same bytes.

New rows are written as parts, each a complete file. At the end the parts are merged into the one file, sorted by the
key columns. The key columns also say which runs are stored, so that none is computed twice.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
from filelock import FileLock, Timeout
from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet, read_parquet_metadata

FORMAT = 2
"""Version of the metadata in the file. Files of other versions are refused."""

SETTING_PREFIX = "settings."
"""Prefix of the columns that hold the settings of a shrinker."""

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, TypeError, ValueError)


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


class RowStore:
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

    def __init__(
        self,
        path: Path,
        identity: RunIdentity,
        point_columns: Mapping[str, pl.DataType],
        row_columns: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.point_columns = point_columns
        self._row_columns = row_columns
        self._parts = path.with_suffix(".parts")
        self._identity = identity
        self._lock = FileLock(path.with_name(f".{path.stem}.lock"))

    def __enter__(self) -> "RowStore":
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LissnasError(
                f"{self.path.parent}: another process is writing there; wait for it, or choose another folder with "
                "--out"
            ) from error
        try:
            self._parts.mkdir(exist_ok=True)
            for unfinished in (*self._parts.glob(".*.part"), *self.path.parent.glob(f".{self.path.name}.*.part")):
                unfinished.unlink()  # a killed process left it
            self.rows = self._read()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        """Delete what is not needed any more, and release the lock.

        A process that opened the file of the lock before it was deleted finds out, and locks a new one.
        """
        with suppress(OSError):  # there are parts, or the folder was not made
            self._parts.rmdir()
        with suppress(OSError):  # Windows deletes no open file; there the release deletes it
            Path(self._lock.lock_file).unlink()
        self._lock.release()

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
        number = 1 + max((int(part.stem) for part in self._parts.glob("*.parquet")), default=0)
        self._write(self._parts / f"{number:08}.parquet", pl.DataFrame(rows, infer_schema_length=None))

    def merge(self) -> pl.DataFrame:
        """Merge the parts into the file, sorted by the key columns, and return all rows."""
        self.rows = self._read()
        if not self.rows.is_empty():
            self._write(self.path, self.rows)
        shutil.rmtree(self._parts)
        self._parts.mkdir()
        return self.rows

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        with atomic_write(path) as file:
            file.write(encode_parquet(frame, {"lissnas": json.dumps({"format": FORMAT, **self._identity.to_json()})}))

    def _read(self) -> pl.DataFrame:
        paths = [*([self.path] if self.path.exists() else ()), *sorted(self._parts.glob("*.parquet"))]
        frames = [self._read_one(path) for path in paths]
        return self._sorted(pl.concat(frames, how="diagonal_relaxed")) if frames else pl.DataFrame()

    def _read_one(self, path: Path) -> pl.DataFrame:
        """Return the rows of a file; raises LissnasError if they cannot be read, or belong to another run."""
        try:
            identity = dict(json.loads(read_parquet_metadata(path)["lissnas"]))
            written_as = identity.pop("format")
            frame = read_parquet(path)
        except _UNREADABLE as error:
            reason = str(error).splitlines()[0]
            raise LissnasError(
                f"{path}: not readable ({reason}); delete it, and its rows are computed again"
            ) from error
        delete = self.path if path == self.path else self._parts
        remedy = f"choose another folder with --out, or delete {delete} to compute its rows again"
        if written_as != FORMAT:
            raise LissnasError(f"{path}: of format {written_as}, not {FORMAT}; {remedy}")
        self._identity.check(path, identity, remedy=remedy)
        return frame

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
