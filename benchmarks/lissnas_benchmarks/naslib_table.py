"""Query a table through NASLib's interface: NASLib's metrics, and the columns that answer them."""

from dataclasses import dataclass

import numpy as np
from lissnas.bridges.naslib import NaslibSpace
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from numpy.typing import NDArray

from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.table import Table

METRICS = {
    "TRAIN_ACCURACY": ("accuracy", ("train",)),
    "VAL_ACCURACY": ("accuracy", ("validation",)),
    "TEST_ACCURACY": ("accuracy", ("test",)),
    "TRAIN_LOSS": ("loss", ("train",)),
    "VAL_LOSS": ("loss", ("validation",)),
    "TEST_LOSS": ("loss", ("test",)),
    "TRAIN_TIME": ("training-time", ("train", "")),
    "VAL_TIME": ("evaluation-time", ("validation",)),
    "TEST_TIME": ("evaluation-time", ("test",)),
    "FLOPS": ("flops", ("",)),
    "LATENCY": ("latency", ("",)),
    "PARAMETERS": ("parameters", ("",)),
}
"""For each metric of NASLib the table's metric, and the splits in order of preference."""


def naslib_space(table: Table, rng: np.random.Generator, subspace: Subspace | None = None) -> NaslibSpace:
    """Return a table as a search space that NASLib's optimizers can query.

    Each split has its own columns: a benchmark without validation accuracies has no VAL_ACCURACY. A value is the mean
    over the training runs of an architecture, after the longest training, in the column's unit.

    Parameters
    ----------
    table
        The measurements.
    rng
        The source of every random draw.
    subspace
        The subspace to search; None for every architecture of the table.

    Raises
    ------
    SettingError
        If the subspace is of another space.
    """
    if subspace is None:
        subspace = FullSpace(table.space) if table.complete else ExplicitSubspace(table.space, table.index)
    if subspace.space.name != table.provenance.space:
        name = table.provenance.source.benchmark
        raise SettingError(f"a subspace of {subspace.space.name}, but {name} is of {table.provenance.space}")
    return NaslibSpace(subspace, _TableMetrics(table, {}), rng)


@dataclass(frozen=True)
class _TableMetrics:
    """Answers queries from a table; each column is read once."""

    table: Table
    cached: dict[tuple[str, str], Floats]

    def value(self, row: Rows, metric: str, dataset: str | None, epoch: int) -> float:
        columns = self._columns(metric, dataset or self.table.datasets[0])
        if epoch not in (-1, (columns[0].epochs or 0) - 1):
            curve = self.curve(row, metric, dataset)
            if not 0 <= epoch < len(curve):
                raise SettingError(f"{metric} has the epochs 0 to {len(curve) - 1}, not {epoch}")
            return curve[epoch]
        dataset = dataset or self.table.datasets[0]
        if (metric, dataset) not in self.cached:
            self.cached[metric, dataset] = _mean(self.table.read([one.name for one in columns]))
        return self._checked(row, metric, float(self.cached[metric, dataset][self._position(row)]))

    def curve(self, row: Rows, metric: str, dataset: str | None) -> list[float]:
        columns, position = self._columns(metric, dataset or self.table.datasets[0]), self._position(row)
        curves = np.array([self.table.curve(column)[position] for column in columns], dtype=np.float64)
        curve: list[float] = _mean(curves.T).tolist()
        self._checked(row, metric, curve[-1])
        return curve

    def all_values(self, row: Rows, dataset: str | None) -> dict[str, float]:
        columns = [column.name for column in self.table.columns if dataset in (None, column.dataset)]
        values = self.table.read(columns)[self._position(row)]
        return dict(zip(columns, values.tolist(), strict=True))

    def _position(self, row: Rows) -> int:
        index = self.table.space.index(row)
        position = int(np.searchsorted(self.table.index, index[0]))
        if position == len(self.table.index) or self.table.index[position] != index[0]:
            raise SettingError(f"'{self.table.space.write(row)[0]}' is not in the table")
        return position

    def _checked(self, row: Rows, metric: str, value: float) -> float:
        if np.isnan(value):
            raise SettingError(f"'{self.table.space.write(row)[0]}' has no {metric}")
        return value

    def _columns(self, metric: str, dataset: str) -> tuple[Column, ...]:
        """Return the columns of all runs of the longest training; raises SettingError with the known columns."""
        if metric not in METRICS:
            raise SettingError(f"unknown metric {metric}; known: {', '.join(METRICS)}, RAW")
        name, splits = METRICS[metric]
        of_metric = [one for one in self.table.columns if (one.metric, one.dataset) == (name, dataset)]
        for split in splits:
            columns = [column for column in of_metric if column.split == split]
            if columns:
                longest = max(column.epochs or 0 for column in columns)
                return tuple(column for column in columns if (column.epochs or 0) == longest)
        available = dict.fromkeys(
            f"{one.split} {one.metric}".strip() for one in self.table.columns if one.dataset == dataset
        )
        known = f"it has {', '.join(available)}" if available else f"its data sets: {', '.join(self.table.datasets)}"
        raise SettingError(f"{self.table.provenance.source.benchmark} has no {metric} on {dataset}; {known}")


def _mean(values: NDArray[np.float64]) -> Floats:
    """Return the mean of each row, ignoring NaN; NaN for a row of NaN."""
    present = ~np.isnan(values)
    counts = present.sum(axis=1)
    sums = np.where(present, values, 0).sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
