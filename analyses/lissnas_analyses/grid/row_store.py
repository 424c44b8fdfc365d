"""RowStore: one Parquet file of results that grows, survives being killed, and is the same bytes in the end.

New rows are written as parts, each a whole file; in the end they are merged into the one file, sorted. A row is known
by its key columns: what is there is never computed again.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
from filelock import FileLock, Timeout
from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity

from lissnas_analyses.grid.grid import SETTING

FORMAT = 2
"""Version of the metadata in the file. Files of other versions are refused."""

KEY = ("method", "epochs", "noise_tau", "seed", "run")
"""The columns that tell rows apart, with those of the settings."""

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, TypeError, ValueError)


class RowStore:
    """A growing file of rows; as a context, the only one that writes to it.

    Parameters
    ----------
    path
        The file; parts lie in a folder beside it.
    identity
        What the rows were computed from; a file with another identity is refused.

    Raises
    ------
    LissnasError
        If another process is writing there, or what is there has another identity or cannot be read.
    """

    def __init__(self, path: Path, identity: RunIdentity) -> None:
        self.path = path
        self._parts = path.with_suffix(".parts")
        self._identity = identity
        self._lock = FileLock(path.with_suffix(".lock"))

    def __enter__(self) -> "RowStore":
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LissnasError(
                f"{self.path.parent}: another process is writing there; wait for it, or choose another with --out"
            ) from error
        try:
            self._parts.mkdir(exist_ok=True)
            for unfinished in (*self._parts.glob(".*.part"), *self.path.parent.glob(f".{self.path.name}.*.part")):
                unfinished.unlink()  # of a process that was killed
            self.rows = self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def runs_done(self) -> dict[frozenset[tuple[str, Any]], set[int]]:
        """Return for each combination of the key columns, nulls left out, which runs are there."""
        if self.rows.is_empty():
            return {}
        named = [name for name in _key_columns(self.rows) if name != "run"]
        grouped = self.rows.group_by(named).agg("run")
        return {
            frozenset((name, row[name]) for name in named if row[name] is not None): set(row["run"])
            for row in grouped.iter_rows(named=True)
        }

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep rows, in a part of their own."""
        number = 1 + max((int(part.stem) for part in self._parts.glob("*.parquet")), default=0)
        self._write(self._parts / f"{number:08}.parquet", pl.DataFrame(rows, infer_schema_length=None))

    def merge(self) -> pl.DataFrame:
        """Make the parts and the file one file, sorted by the key columns, and return all rows."""
        self.rows = self._read()
        if not self.rows.is_empty():
            self._write(self.path, self.rows)
        shutil.rmtree(self._parts)
        self._parts.mkdir()
        return self.rows

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        with atomic_write(path) as file:
            frame.write_parquet(file, metadata={"lissnas": json.dumps({"format": FORMAT, **self._identity.to_json()})})

    def _read(self) -> pl.DataFrame:
        paths = [*([self.path] if self.path.exists() else ()), *sorted(self._parts.glob("*.parquet"))]
        frames = [self._read_one(path) for path in paths]
        if not frames:
            return pl.DataFrame()
        return _in_order(pl.concat(frames, how="diagonal_relaxed"))

    def _read_one(self, path: Path) -> pl.DataFrame:
        try:
            identity = dict(json.loads(pl.read_parquet_metadata(path)["lissnas"]))
            written_as = identity.pop("format")
            frame = pl.read_parquet(path)
        except _UNREADABLE as error:
            reason = str(error).splitlines()[0]
            raise LissnasError(
                f"{path}: not readable ({reason}); delete it, and its rows are computed again"
            ) from error
        if written_as != FORMAT:
            raise LissnasError(f"{path}: of format {written_as}, not {FORMAT}; choose another folder with --out")
        self._identity.check(path, identity)
        return frame


def _key_columns(frame: pl.DataFrame) -> list[str]:
    return [*KEY[:-2], *sorted(name for name in frame.columns if name.startswith(SETTING)), *KEY[-2:]]


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in the one order that does not depend on how they came, each once."""
    unused = [name for name in frame.columns if name.startswith(SETTING) and frame[name].null_count() == frame.height]
    frame = frame.drop(unused).with_columns(pl.col("epochs").cast(pl.Int64))
    key = _key_columns(frame)
    others = [name for name in frame.columns if name not in key]
    return frame.unique(key, keep="any").sort(key, nulls_last=True).select(*key, *others).rechunk()
