"""GrowingFile: one Parquet file that grows, survives a kill, and always ends as the same bytes.

New rows are written as parts, each a complete file. At the end the parts are merged into the one file. One process at a
time writes to it.
"""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import polars as pl
from filelock import FileLock, Timeout
from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet, read_parquet_metadata

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, TypeError, ValueError)


class GrowingFile(ABC):
    """A file of rows and the parts that are not merged yet. Inside its context, no other process writes to it.

    Parameters
    ----------
    path
        The file. Parts are in a folder next to it.
    identity
        What the rows were computed from.

    Attributes
    ----------
    rows
        All rows, those of the parts included.
    """

    version: ClassVar[int]
    """Version of the metadata in the file; a file of another version is refused."""

    busy: ClassVar[str]
    """What another process does, and what to do about it."""

    unreadable: ClassVar[str]
    """What a file is that cannot be read, and what to do about it, with {reason}."""

    def __init__(self, path: Path, identity: RunIdentity) -> None:
        self.path = path
        self._identity = identity
        self._parts = path.with_suffix(".parts")
        self._lock = FileLock(path.with_name(f".{path.stem}.lock"))

    @abstractmethod
    def _combined(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Return each row of some frames once, in an order that does not depend on the order of computation."""

    def _encoded(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows as the merged file has them."""
        return rows

    def _decoded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of the merged file or of a part."""
        return frame

    @abstractmethod
    def _remedy(self, path: Path) -> str:
        """Return what to do about the file or the part at a path if its rows belong to another run."""

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LissnasError(f"{self._named}: {self.busy}") from error
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

    @property
    def _named(self) -> Path:
        """The file or folder that an error names."""
        return self.path

    def _close(self) -> None:
        """Delete what is not needed any more, and release the lock.

        A process that opened the file of the lock before it was deleted finds out, and locks a new one.
        """
        with suppress(OSError):  # there are parts, or the folder was not made
            self._parts.rmdir()
        with suppress(OSError):  # Windows deletes no open file; there the release deletes it
            Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _append(self, rows: pl.DataFrame) -> None:
        """Write rows as a new part."""
        number = 1 + max((int(part.stem) for part in self._parts.glob("*.parquet")), default=0)
        self._write(self._parts / f"{number:08}.parquet", rows)

    def merge(self) -> pl.DataFrame:
        """Merge the parts into the file, and return all rows."""
        self.rows = self._read()
        if not self.rows.is_empty():
            self._write(self.path, self._encoded(self.rows))
        shutil.rmtree(self._parts)
        self._parts.mkdir()
        return self.rows

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        described: dict[str, Any] = {"format": self.version, **self._identity.to_json()}
        with atomic_write(path) as file:
            file.write(encode_parquet(frame, {"lissnas": json.dumps(described)}))

    def _read(self) -> pl.DataFrame:
        paths = [*([self.path] if self.path.exists() else ()), *sorted(self._parts.glob("*.parquet"))]
        return self._combined([self._decoded(self._read_one(path)) for path in paths])

    def _read_one(self, path: Path) -> pl.DataFrame:
        """Return the content of a file; raises LissnasError if it cannot be read, or belongs to another run."""
        try:
            identity = dict(json.loads(read_parquet_metadata(path)["lissnas"]))
            written_as = identity.pop("format")
            frame = read_parquet(path)
        except _UNREADABLE as error:
            reason = str(error).splitlines()[0]
            raise LissnasError(f"{path}: {self.unreadable.format(reason=reason)}") from error
        if written_as != self.version:
            raise LissnasError(f"{path}: of format {written_as}, not {self.version}; {self._remedy(path)}")
        self._identity.check(path, identity, remedy=self._remedy(path))
        return frame
