"""Study: one benchmark, data set and metric, opened: what a method may see, and what its result is judged by."""

from dataclasses import dataclass, replace

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.catalog import benchmark_names, find_table_adapter
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.loading import load_table
from lissnas_benchmarks.predictor_file import Predictor
from lissnas_benchmarks.table import Table


@dataclass(frozen=True)
class Benchmark:
    """An opened benchmark.

    Attributes
    ----------
    selects, reports
        What a method may see, a measure of the benchmark or a predictor's scores, and what its result is judged by.
    selection, report
        The scores that a method may see and those that judge it, shape (size,), in `unit`.
    """

    adapter: TableAdapter
    table: Table
    dataset: str
    selects: Measure | Predictor
    reports: Measure
    selection: Floats
    report: Floats
    unit: str

    @property
    def name(self) -> str:
        """The benchmark's name in the catalog."""
        return self.adapter.name

    @property
    def space(self) -> Space:
        """The benchmark's space."""
        return self.table.space

    @property
    def evaluator(self) -> TableEvaluator:
        """What a method may ask."""
        return TableEvaluator(self.space, self.selection)

    @property
    def quantity(self) -> str:
        """What is reported, with its unit, for an axis: 'test accuracy (%)'."""
        return f"{self.reports.split} {self.reports.metric} ({self.unit})".strip()

    @property
    def source(self) -> str:
        """Which table the numbers come from, for a caption."""
        return f"{self.adapter.name}, {self.dataset}, {self.reports.describe()}"

    @property
    def roles(self) -> str:
        """What selects and what reports, for a caption."""
        if self.selects == self.reports:
            return f"selected and reported by the same {self.reports.describe()}: the benchmark has no other"
        return f"selected by {self.selects.describe()}, reported by {self.reports.describe()}"

    def selected_by(self, predictor: Predictor) -> "Benchmark":
        """Return the study in which a predictor's scores are all that a method may see."""
        return replace(self, selects=predictor, selection=predictor.scores)


def open_benchmark(name: str, dataset: str | None = None, metric: str | None = None) -> Benchmark:
    """Open a benchmark, by default on its first data set and with its own measure of quality.

    Raises UnknownNameError for a name that is not there, SettingError for a metric that does not rank networks or a
    benchmark that is only a sample of its space.
    """
    return benchmark_of(find_table_adapter(name), load_table(name), dataset, metric)


def benchmark_of(
    adapter: TableAdapter, table: Table, dataset: str | None = None, metric: str | None = None
) -> Benchmark:
    """Return the study of an opened table; takes and raises what `open_benchmark` does."""
    name = adapter.name
    if not table.complete:
        raise SettingError(
            f"{name} is a sample: {len(table.index):,} of the {table.provenance.size:.3g} architectures of "
            f"{table.provenance.space}, and this takes the neighbors of every one; choose a complete benchmark"
        )
    dataset = table.datasets[0] if dataset is None else dataset
    if (own := f"{name}-{dataset}") in benchmark_names():
        raise SettingError(f"{dataset} has a smaller space: it is a benchmark of its own, '{own}'")
    selects, reports = adapter.selects, adapter.reports
    if metric is not None:
        selects, reports = replace(selects, metric=metric), replace(reports, metric=metric)
    check_ranks(table, metric)
    if not table.matching(reports, dataset)[0].quality:
        raise SettingError(f"{name} says what networks cost, not which is better: it has nothing to select by")
    return Benchmark(
        adapter,
        table,
        dataset,
        selects,
        reports,
        table.values(selects, dataset),
        table.values(reports, dataset),
        table.matching(reports, dataset)[0].unit,
    )


def check_ranks(table: Table, metric: str | None) -> None:
    """Raise SettingError for a metric of the table that does not say which network is better."""
    for column in table.columns:
        if column.metric == metric and not column.quality:
            ranking = dict.fromkeys(column.metric for column in table.columns if column.quality)
            raise SettingError(f"'{metric}' does not say which network is better; choose one of {', '.join(ranking)}")
