"""ScoreFile: a predictor file that grows by architectures and by scores, and survives a kill.

New scores are written as parts, each a complete file. At the end the parts are merged into the predictor file, in the
order of the space's index. A null is a score that was not computed, NaN one that is undefined.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import polars as pl
from filelock import FileLock, Timeout
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Space
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet, read_parquet_metadata

_FORMAT = 1
"""Version of the metadata in the file."""

_ARCHITECTURE = "architecture"

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, TypeError, ValueError)


class ScoreFile:
    """A predictor file in Parquet. Inside its context, no other process writes to it.

    Parameters
    ----------
    path
        The file. Parts are in a folder next to it.
    identity
        What the scores depend on, except the architecture and the name of the score.
    space
        The space of the architectures.

    Raises
    ------
    SettingError
        If the name of the file does not end in ".parquet".
    LissnasError
        If another process is writing there, if the scores have another identity, or if they cannot be read.
    """

    def __init__(self, path: Path, identity: RunIdentity, space: Space) -> None:
        if path.suffix != ".parquet":
            raise SettingError(f"{path}: scores are written as Parquet; choose a name that ends in .parquet")
        self.path = path
        self._identity = identity
        self._space = space
        self._parts = path.with_suffix(".parts")
        self._lock = FileLock(path.with_name(f".{path.stem}.lock"))

    def __enter__(self) -> "ScoreFile":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise LissnasError(
                f"{self.path}: another process is writing this file; wait for it, or choose another file with --out"
            ) from error
        except OSError as error:
            raise LissnasError(f"{self.path}: cannot be written ({error.strerror}); choose another file") from error
        try:
            self._parts.mkdir(exist_ok=True)
            for unfinished in (*self._parts.glob(".*.part"), *self.path.parent.glob(f".{self.path.name}.*.part")):
                unfinished.unlink()  # a killed process left it
            self.scores = self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not any(self._parts.iterdir()):
            self._parts.rmdir()
        self._lock.release()

    def missing(self, index: Indices, names: Sequence[str]) -> list[tuple[tuple[str, ...], Indices]]:
        """Return groups of architectures, each with the names of the scores that all of its members lack."""
        columns = {name: np.zeros(len(index), dtype=bool) for name in names}
        known = pl.DataFrame({INDEX_COLUMN: index}).join(
            self.scores, on=INDEX_COLUMN, how="left", maintain_order="left"
        )
        for name in names:
            if name in known.columns:
                columns[name] = known[name].is_not_null().to_numpy()
        lacking = ~np.stack(list(columns.values()), axis=1)
        patterns, group = np.unique(lacking, axis=0, return_inverse=True)
        return [
            (tuple(name for name, lacks in zip(names, pattern, strict=True) if lacks), index[group.ravel() == number])
            for number, pattern in enumerate(patterns)
            if pattern.any()
        ]

    def append(self, parts: Sequence[tuple[Indices, Mapping[str, Floats]]]) -> None:
        """Write scores as a new part: the indices of some architectures, and their scores by name."""
        frame = _combined([pl.DataFrame({INDEX_COLUMN: index, **scores}) for index, scores in parts])
        number = 1 + max((int(part.stem) for part in self._parts.glob("*.parquet")), default=0)
        self._write(self._parts / f"{number:08}.parquet", frame)

    def merge(self) -> pl.DataFrame:
        """Merge the parts into the predictor file, and return all scores with the column "lissnas-index"."""
        self.scores = self._read()
        if not self.scores.is_empty():
            rows = self._space.rows(self.scores[INDEX_COLUMN].to_numpy())
            strings = pl.Series(_ARCHITECTURE, self._space.write(rows))
            self._write(self.path, self.scores.drop(INDEX_COLUMN).insert_column(0, strings))
        shutil.rmtree(self._parts)
        self._parts.mkdir()
        return self.scores

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        with atomic_write(path) as file:
            described = {"format": _FORMAT, **self._identity.to_json()}
            file.write(encode_parquet(frame, {"lissnas": json.dumps(described)}))

    def _read(self) -> pl.DataFrame:
        paths = [*([self.path] if self.path.exists() else ()), *sorted(self._parts.glob("*.parquet"))]
        frames = [self._read_one(path) for path in paths]
        return _combined([pl.DataFrame(schema={INDEX_COLUMN: pl.Int64}), *frames])

    def _read_one(self, path: Path) -> pl.DataFrame:
        try:
            identity = dict(json.loads(read_parquet_metadata(path)["lissnas"]))
            written_as = identity.pop("format")
            frame = read_parquet(path)
        except _UNREADABLE as error:
            reason = str(error).splitlines()[0]
            raise LissnasError(
                f"{path}: not a file of 'lissnas score' ({reason}); choose another file with --out"
            ) from error
        if written_as != _FORMAT:
            raise LissnasError(f"{path}: of format {written_as}, not {_FORMAT}; choose another file with --out")
        self._identity.check(path, identity)
        if _ARCHITECTURE in frame.columns:
            index = self._space.index(self._space.read(frame[_ARCHITECTURE].to_list()))
            frame = frame.drop(_ARCHITECTURE).with_columns(pl.Series(INDEX_COLUMN, index))
        return frame


def _combined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return one row per architecture, sorted by index, with every score that any frame has."""
    every = pl.concat(frames, how="diagonal")
    return every.group_by(INDEX_COLUMN).agg(pl.all().drop_nulls().first()).sort(INDEX_COLUMN)
