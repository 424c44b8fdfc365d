"""Predictors: what is held against a benchmark's reported scores, from files and from the benchmark's own columns."""

from collections.abc import Sequence

from lissnas.errors import SettingError, UnknownNameError
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.predictor_file import Predictor, read_predictors


def collect_predictors(benchmark: Benchmark, files: Sequence[str], columns: Sequence[str]) -> list[Predictor]:
    """Return the predictors of files and columns; where none is named, the measure that selects.

    Parameters
    ----------
    files
        Each as `read_predictors` takes it.
    columns
        Each as `column_predictor` takes it.

    Raises
    ------
    SettingError
        If none is named and the measure that selects is the one that reports.
    """
    found = [predictor for file in files for predictor in read_predictors(file, benchmark.space)]
    found += [column_predictor(benchmark, column) for column in columns]
    if not found and benchmark.selects == benchmark.reports:
        raise SettingError(
            f"{benchmark.name} has no measure of its own to hold against {benchmark.reports.describe()}: name a "
            f"predictor with --predictor FILE:COLUMN or --column METRIC/SPLIT/EPOCHS/SEED"
        )
    if not found:
        return [Predictor(benchmark.selects.describe(), benchmark.name, benchmark.selection)]
    names = [predictor.name for predictor in found]
    return [
        predictor
        if names.count(predictor.name) == 1
        else Predictor(f"{predictor.name} of {predictor.origin}", predictor.origin, predictor.scores)
        for predictor in found
    ]


def column_predictor(benchmark: Benchmark, text: str) -> Predictor:
    """Return a measure of the benchmark as a predictor: its metric, then any of data set, split, epochs and seed.

    The parts stand in this order with slashes between them, as in "accuracy/validation/12"; without a seed it is the
    mean over seeds, without a data set the study's. A minus before it says that lower is better.

    Raises
    ------
    UnknownNameError
        If no column fits.
    SettingError
        If columns fit that differ in more than the seed.
    """
    parts = text.removeprefix("-").split("/")
    metrics = {column.metric for column in benchmark.table.columns}
    if parts[0] not in metrics:
        raise UnknownNameError("metric", parts[0], metrics)
    fitting = [column for column in benchmark.table.columns if _fits(parts, column)]
    fitting = [column for column in fitting if column.dataset == benchmark.dataset] or fitting
    if not fitting:
        raise UnknownNameError("column", text, (column.name for column in benchmark.table.columns))
    kinds = {(column.metric, column.dataset, column.split, column.epochs) for column in fitting}
    if len(kinds) > 1:
        names = ", ".join(sorted(column.name for column in fitting))
        raise SettingError(f"'{text}' may be any of {names}: say which")
    [(metric, dataset, split, epochs)] = kinds
    seeds = (fitting[0].seed,) if len(fitting) == 1 and fitting[0].seed is not None else None
    scores = benchmark.table.values(Measure(metric, split, seeds, epochs), dataset)
    return Predictor(text, benchmark.name, -scores if text.startswith("-") else scores)


def _fits(parts: Sequence[str], column: Column) -> bool:
    """Tell whether the parts stand in this order in the column's name, its metric first."""
    rest = iter(column.name.split("/"))
    return parts[0] == column.metric and all(part in rest for part in parts)
