"""ScoreFile: a predictor file that grows by architectures and by scores, in the order of the space's index.

A null is a score that was not computed, NaN one that is undefined.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.space import INDEX_COLUMN, Floats, Indices, Space
from lissnas.storage.run_identity import RunIdentity

from lissnas_analyses.grid.growing_file import GrowingFile

_FORMAT = 1
"""Version of the metadata in the file."""

_ARCHITECTURE = "architecture"

_REMEDY = "choose another file with --out"


class ScoreFile(GrowingFile):
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

    version = _FORMAT
    busy = "another process is writing this file; wait for it, or choose another file with --out"
    unreadable = "not a file of 'lissnas score' ({reason}); choose another file with --out"

    def __init__(self, path: Path, identity: RunIdentity, space: Space) -> None:
        if path.suffix != ".parquet":
            raise SettingError(f"{path}: scores are written as Parquet; choose a name that ends in .parquet")
        super().__init__(path, identity)
        self._space = space

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return super().__enter__()
        except OSError as error:
            raise LissnasError(f"{self.path}: cannot be written ({error.strerror}); choose another file") from error

    def _remedy(self, path: Path) -> str:
        return _REMEDY

    def missing(self, index: Indices, names: Sequence[str]) -> list[tuple[tuple[str, ...], Indices]]:
        """Return groups of architectures, each with the names of the scores that all of its members lack."""
        columns = {name: np.zeros(len(index), dtype=bool) for name in names}
        known = pl.DataFrame({INDEX_COLUMN: index}).join(self.rows, on=INDEX_COLUMN, how="left", maintain_order="left")
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
        self._append(frame)

    def _combined(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return _combined([pl.DataFrame(schema={INDEX_COLUMN: pl.Int64}), *frames])

    def _encoded(self, rows: pl.DataFrame) -> pl.DataFrame:
        strings = self._space.write(self._space.rows(rows[INDEX_COLUMN].to_numpy()))
        return rows.drop(INDEX_COLUMN).insert_column(0, pl.Series(_ARCHITECTURE, strings))

    def _decoded(self, frame: pl.DataFrame) -> pl.DataFrame:
        if _ARCHITECTURE not in frame.columns:
            return frame
        index = self._space.index(self._space.read(frame[_ARCHITECTURE].to_list()))
        return frame.drop(_ARCHITECTURE).with_columns(pl.Series(INDEX_COLUMN, index))


def _combined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return one row per architecture, sorted by index, with every score that any frame has."""
    every = pl.concat(frames, how="diagonal")
    return every.group_by(INDEX_COLUMN).agg(pl.all().drop_nulls().first()).sort(INDEX_COLUMN)
