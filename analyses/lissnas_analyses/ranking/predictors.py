"""Predictors to compare with a benchmark's reported scores: from files and from the benchmark's own columns."""

from collections.abc import Sequence
from dataclasses import replace

from lissnas.errors import SettingError, UnknownNameError
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.predictor_file import Predictor, read_predictors


def collect_predictors(benchmark: Benchmark, files: Sequence[str], columns: Sequence[str]) -> list[Predictor]:
    """Return the predictors of files and columns; if you name none, the measure that selects.

    Parameters
    ----------
    files
        Each in the form that `read_predictors` takes.
    columns
        Each in the form that `column_predictor` takes.

    Raises
    ------
    SettingError
        If you name none and the selecting measure is also the reported one.
    """
    predictors = [predictor for file in files for predictor in read_predictors(file, benchmark.space)]
    predictors += [column_predictor(benchmark, column) for column in columns]
    if not predictors and benchmark.selects == benchmark.reports:
        raise SettingError(
            f"{benchmark.name} has no measure to compare with {benchmark.reports.describe()}: name a "
            f"predictor with --predictor FILE:COLUMN or --column METRIC/SPLIT/EPOCHS/SEED"
        )
    if not predictors:
        return [Predictor(benchmark.selects.describe(), benchmark.name, benchmark.selection)]
    names = [predictor.name for predictor in predictors]
    return [
        predictor
        if names.count(predictor.name) == 1
        else replace(predictor, name=f"{predictor.name} of {predictor.origin}")
        for predictor in predictors
    ]


def column_predictor(benchmark: Benchmark, text: str) -> Predictor:
    """Return a measure of the benchmark as a predictor.

    Parameters
    ----------
    text
        The metric, then any of data set, split, epochs and seed in this order, separated by slashes:
        "accuracy/validation/12". Without a seed the predictor is the mean over seeds; without a data set it is that of
        `benchmark`. A leading minus means that lower is better.

    Raises
    ------
    UnknownNameError
        If no column matches.
    SettingError
        If the matching columns differ in more than the seed.
    """
    parts = text.removeprefix("-").split("/")
    metrics = {column.metric for column in benchmark.table.columns}
    if parts[0] not in metrics:
        raise UnknownNameError("metric", parts[0], metrics)
    matching = [column for column in benchmark.table.columns if _matches(parts, column)]
    matching = [column for column in matching if column.dataset == benchmark.dataset] or matching
    if not matching:
        raise UnknownNameError("column", text, (column.name for column in benchmark.table.columns))
    kinds = {(column.metric, column.dataset, column.split, column.epochs) for column in matching}
    if len(kinds) > 1:
        names = ", ".join(sorted(column.name for column in matching))
        raise SettingError(f"'{text}' matches {names}: name one of them")
    [(metric, dataset, split, epochs)] = kinds
    seeds = (matching[0].seed,) if len(matching) == 1 and matching[0].seed is not None else None
    scores = benchmark.table.values(Measure(metric, split, seeds, epochs), dataset)
    return Predictor(text, benchmark.name, -scores if text.startswith("-") else scores)


def _matches(parts: Sequence[str], column: Column) -> bool:
    """Return whether the parts occur in this order in the column's name, its metric first."""
    remaining = iter(column.name.split("/"))
    return parts[0] == column.metric and all(part in remaining for part in parts)
