"""Benchmark: a tabular benchmark opened on one data set, with the scores that select and the scores that report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.space import Floats, Space
from lissnas.spaces.without_neighbors import WithoutNeighbors

from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import benchmark_names, find_table_adapter
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.loading import load_table
from lissnas_benchmarks.predictor_file import PredictedScores
from lissnas_benchmarks.table import Table

_MIN_SCORED = 0.5
"""A table with both scores for a smaller share of its architectures can be taken as a sample (our own choice)."""


@dataclass(frozen=True, repr=False)
class Benchmark:
    """A tabular benchmark, opened on one data set by `open_benchmark`.

    Methods see `selection`, for example validation accuracies. Results are judged by `report`, for example test
    accuracies.

    Attributes
    ----------
    adapter
        What the benchmark declares of itself: its paper, license and caveats.
    table
        All its measurements.
    dataset
        The data set.
    selects
        What methods see: a measure of the benchmark, or a predictor.
    reports
        The measure that results are judged by.
    selection, report
        The scores of both, float64 of shape (size,) in `unit`, in the order of the space's index.
    unit
        The unit of the scores: "%".
    reopen
        Opens the same benchmark in another process; None if its name does.
    cheap
        Cheap scores that methods may use without paying for them; empty unless `with_cheap_scores` sets them.
    scored
        The architectures that have both scores, if the benchmark was reduced to them; see `reduced_to_scored`.

    Examples
    --------
    >>> benchmark = open_benchmark("nas-bench-graph", "cora")
    >>> print(benchmark)
    nas-bench-graph, cora: 26,206 networks; selected by validation accuracy, reported by test accuracy
    >>> float(benchmark.report.max())
    83.13333333333333
    """

    adapter: TableAdapter
    table: Table
    dataset: str
    selects: Measure | PredictedScores
    reports: Measure
    selection: Floats
    report: Floats
    unit: str
    reopen: "Callable[[], Benchmark] | None" = field(default=None, compare=False)
    cheap: tuple[PredictedScores, ...] = ()
    scored: ListedSpace | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.subject}: {self.space.size:,} networks{self._sample}{self._missing}; {self.roles}"

    def __repr__(self) -> str:
        return f"<Benchmark {self}>"

    @property
    def name(self) -> str:
        """The benchmark's name in the catalog."""
        return self.adapter.name

    @property
    def subject(self) -> str:
        """What every sentence, table and figure calls the data set of the benchmark."""
        return subject(self.name, self.dataset)

    @property
    def space(self) -> Space:
        """The benchmark's search space."""
        return self.table.space if self.scored is None else self.scored

    @cached_property
    def method_space(self) -> Space:
        """The space that a comparison of methods shrinks: that of a sample has no neighbors."""
        return WithoutNeighbors(self.space) if isinstance(self.space, ListedSpace) else self.space

    @property
    def is_sample(self) -> bool:
        """Whether the architectures are a sample of a larger space."""
        return isinstance(self.space, ListedSpace)

    @property
    def evaluator(self) -> TableEvaluator:
        """An evaluator that answers with the scores that methods may see."""
        return TableEvaluator(self.space, self.selection)

    @property
    def cheap_evaluators(self) -> tuple[TableEvaluator, ...]:
        """An evaluator for each of the cheap scores."""
        return tuple(TableEvaluator(self.space, predictor.scores) for predictor in self.cheap)

    @property
    def quantity(self) -> str:
        """The reported quantity with its unit, for an axis: "test accuracy (%)"."""
        return f"{self.reports.split} {self.reports.metric} ({self.unit})".strip()

    @property
    def source(self) -> str:
        """The table that the numbers come from, for a caption."""
        return f"{self.subject}, {self.reports.describe()}{self._sample}"

    @property
    def _sample(self) -> str:
        """Say that a table lists only a sample of a space; "" if it lists all of it."""
        if not isinstance(self.space, ListedSpace):
            return ""
        full_space = self.space.full_space
        return f" (a sample of the {full_space.size:.3g} of {full_space.name})"

    @property
    def _missing(self) -> str:
        """Say how many architectures have both scores; "" if all have."""
        scored = int(np.count_nonzero(~np.isnan(self.selection) & ~np.isnan(self.report)))
        return "" if scored == self.space.size else f", {scored:,} of them with both scores"

    @property
    def roles(self) -> str:
        """What selects and what reports, for a caption."""
        if self.selects == self.reports:
            return f"selected and reported by the same {self.reports.describe()}: the benchmark has no other"
        return f"selected by {self.selects.describe()}, reported by {self.reports.describe()}"

    def reduced_to_scored(self) -> "Benchmark":
        """Return the same benchmark; without the architectures that lack a score, if these are most of the space."""
        has_scores = ~np.isnan(self.selection) & ~np.isnan(self.report)
        if self.is_sample or has_scores.mean() >= _MIN_SCORED:
            return self
        if not has_scores.any():
            raise SettingError(f"{self.name}: no architecture has a score that selects and one that reports")
        scored = ListedSpace(self.space, self.space.rows(np.flatnonzero(has_scores)))
        return replace(self, selection=self.selection[has_scores], report=self.report[has_scores], scored=scored)

    def selected_by(self, predictor: PredictedScores) -> "Benchmark":
        """Return the same benchmark with a predictor's scores as the only scores that methods may see."""
        return replace(self, selects=predictor, selection=predictor.scores)

    def with_cheap_scores(self, predictors: Sequence[PredictedScores]) -> "Benchmark":
        """Return the same benchmark with cheap scores that methods may use."""
        return replace(self, cheap=tuple(predictors))


def subject(benchmark: str, dataset: str) -> str:
    """Return what everything calls a data set of a benchmark: without the data set if the benchmark's name has it.

    Examples
    --------
    >>> subject("nas-bench-graph", "cora"), subject("digits-cells", "digits")
    ('nas-bench-graph, cora', 'digits-cells')
    """
    return benchmark if dataset in benchmark else f"{benchmark}, {dataset}"


def open_benchmark(name: str, dataset: str | None = None, metric: str | None = None) -> Benchmark:
    """Return a tabular benchmark, opened on one data set.

    Parameters
    ----------
    name
        The benchmark's name: "nas-bench-201".
    dataset
        The data set; None for the benchmark's first.
    metric
        The metric that ranks architectures; None for the benchmark's own.

    Raises
    ------
    UnknownNameError
        If there is no such benchmark, data set or metric; the message names the nearest.
    SettingError
        If the metric does not rank architectures, or the benchmark is a surrogate.
    MissingFileError, BenchmarkFileError
        If the benchmark's files are missing or damaged; the message says what to do.
    """
    return benchmark_of(find_table_adapter(name), load_table(name), dataset, metric)


def benchmark_of(
    adapter: TableAdapter, table: Table, dataset: str | None = None, metric: str | None = None
) -> Benchmark:
    """Return the benchmark of an opened table; for the arguments and errors see `open_benchmark`."""
    name = adapter.name
    table = table.listed()
    dataset = table.datasets[0] if dataset is None else dataset
    if (own_name := f"{name}-{dataset}") in benchmark_names():
        raise SettingError(f"{dataset} has a smaller space and is a benchmark of its own: choose '{own_name}'")
    selects, reports = adapter.selects, adapter.reports
    if metric is not None:
        selects, reports = replace(selects, metric=metric), replace(reports, metric=metric)
    check_ranks(table, metric)
    column = table.matching(reports, dataset)[0]
    if not column.quality:
        raise SettingError(
            f"{name} measures costs and no quality, so it cannot rank architectures: choose a benchmark with accuracies"
        )
    selection, report = table.values(selects, dataset), table.values(reports, dataset)
    return Benchmark(adapter, table, dataset, selects, reports, selection, report, column.unit)


def check_ranks(table: Table, metric: str | None) -> None:
    """Raise SettingError for a metric that does not say which architecture is better."""
    for column in table.columns:
        if column.metric == metric and not column.quality:
            ranking = dict.fromkeys(column.metric for column in table.columns if column.quality)
            raise SettingError(f"'{metric}' does not rank architectures; choose one of {', '.join(ranking)}")
