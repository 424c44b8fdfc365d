"""The trainings of NATS-Bench's layout on data sets of other papers: one run for each cell, on one data set."""

import bz2
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from lissnas.spaces.official_order import official_order
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.fast_float_dicts import float_dict
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream

_MARKER = "all_results"

_MAX_SCORE = 1e6
"""Maximum size of a score: accuracies are up to 100, and scores of failed trainings may be negative."""

_SPLITS = {"train": "{}", "test": "ori-test@{}"}
"""The name of an epoch in the numbers of each split, by its number."""


class CellRuns:
    """Collects one run of each cell from the records of a file.

    Parameters
    ----------
    source
        The import, in whose folder the curves are written.
    space
        The space of the cells.
    key
        The data set and the seed of the run, as the file names them.
    epochs
        The number of epochs.
    columns
        The columns of the train and of the test split.
    """

    def __init__(
        self, source: Import, space: Space, key: tuple[str, int], epochs: int, columns: dict[str, Column]
    ) -> None:
        self._rows = {string: row for row, string in enumerate(space.write(space.all_rows()))}
        self._order = official_order(space) if space.name == "cell201" else np.arange(space.size)
        self._key, self._epochs, self._columns = key, epochs, columns
        self.curves = {split: source.curves(column, space.size, epochs) for split, column in columns.items()}
        self.values = {split: np.full(space.size, np.nan) for split in columns}

    def add(self, record: dict[Any, Any]) -> None:
        """Add a record; raises RefusedError if it has another form. A record of other data sets is left out."""
        runs = record[_MARKER]
        if not isinstance(runs, dict) or self._key not in runs:
            return
        index, row = record["arch_index"], self._rows.get(record["arch_str"])
        if row is None or type(index) is not int or not 0 <= index < len(self._rows) or self._order[index] != row:
            raise RefusedError("an architecture that is not the one of its index")
        run = runs[self._key]
        if run["epochs"] != self._epochs:
            return
        for split, name in (("train", "train_acc1es"), ("test", "eval_acc1es")):
            numbers = float_dict(run[name])
            place = {str(key): at for at, key in enumerate(numbers.keys)}
            curve = numbers.values[[place[_SPLITS[split].format(epoch)] for epoch in range(self._epochs)]]
            if not (np.abs(curve) < _MAX_SCORE).all():  # also false for NaN
                raise RefusedError(f"architecture {index}: an accuracy that is no number")
            self.curves[split][row], self.values[split][row] = curve, curve[-1]

    def columns(self, name: str, remedy: str) -> dict[Column, Floats]:
        """Return the columns; raises BenchmarkFileError if a cell is missing or a percentage is impossible."""
        missing = np.isnan(self.values["test"])
        if missing.any():
            raise BenchmarkFileError(
                f"{name}: {missing.sum():,} of {len(missing):,} cells have no run on {self._key[0]} with seed "
                f"{self._key[1]}; {remedy}"
            )
        return {column: self.values[split] for split, column in self._columns.items()}


def read_records(path: Path, runs: CellRuns, progress: Callable[[float], None]) -> None:
    """Add the records of a pickle, compressed by bzip2 or not; raises BenchmarkFileError if it is damaged."""
    size = max(1, path.stat().st_size)

    def finish(record: dict[Any, Any]) -> None:
        try:
            runs.add(record)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise RefusedError(f"a record has another form: {error}") from error

    with path.open("rb") as packed:
        is_packed = packed.read(3) == b"BZh"
        packed.seek(0)
        with bz2.open(packed) if is_packed else packed as file:
            stream = PickleStream(
                cast(IO[bytes], file),
                path.name,
                _MARKER,
                finish,
                progress=lambda count: progress(min(1.0, packed.tell() / size)),
            )
            stream.load()
            stream.check_ended()
