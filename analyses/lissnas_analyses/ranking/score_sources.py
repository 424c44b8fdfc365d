"""Scores that a user names: columns of files, and measures of this benchmark and of others on the same space."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.space import Floats, Space
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.catalog import benchmark_names
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import MissingFileError
from lissnas_benchmarks.loading import load_table
from lissnas_benchmarks.predictor_file import PredictedScores, read_predictors

_MIN_KNOWN = 0.5
"""Minimum share of the architectures that a cheap score must have (our own choice)."""


def read_scores(source: str, benchmark: Benchmark, form: str = OFFICIAL) -> list[PredictedScores]:
    """Return the scores that one word of the command line names.

    Parameters
    ----------
    source
        FILE for all columns of a file, FILE:COLUMN for one, FILE:-COLUMN if lower is better; or the name of another
        benchmark on the same architectures for its selection scores: NAME, NAME-DATASET, or NAME:MEASURE for one of
        its measures. A file has precedence over a benchmark of the same name.
    benchmark
        The benchmark whose architectures are scored.
    form
        The format of the architectures in a file.

    Raises
    ------
    MissingFileError
        If there is neither such a file nor such a benchmark.
    SettingError
        If the other benchmark has other architectures.
    BenchmarkFileError, UnknownNameError
        If the file cannot be read, or there is no such column or measure.
    """
    if Path(source).is_file() or Path(source.rpartition(":")[0]).is_file():
        return read_predictors(source, benchmark.space, benchmark.dataset, form)
    name, _, measure = source.partition(":")
    found = _benchmark_and_dataset(name)
    if found is None:
        raise MissingFileError(
            f"{source}: neither a file of scores nor a benchmark; name FILE, FILE:COLUMN, or another benchmark "
            f"with the architectures of {benchmark.space.name}"
        )
    other = open_benchmark(*found)
    label = other.subject
    if measure:
        predictor = replace(column_predictor(other, measure), origin=label)
    else:
        predictor = PredictedScores(other.selects.describe(), label, other.selection)
    return [replace(predictor, scores=_on_space(predictor.scores, other, benchmark.space))]


def read_one_score(source: str, benchmark: Benchmark, form: str = OFFICIAL) -> PredictedScores:
    """Return the one score that a word names; raises SettingError if it names several, else as `read_scores`."""
    found = read_scores(source, benchmark, form)
    if len(found) > 1:
        names = ", ".join(predictor.name for predictor in found)
        raise SettingError(f"{source} has several predictors ({names}): choose one with {source}:COLUMN")
    return found[0]


def read_cheap_scores(
    sources: Sequence[str], benchmark: Benchmark, form: str = OFFICIAL
) -> tuple[PredictedScores, ...]:
    """Return cheap scores that a method may use besides the scores that it pays for.

    Parameters
    ----------
    sources
        Each in the form that `read_scores` takes.
    benchmark
        The benchmark to shrink.
    form
        The format of the architectures in files.

    Raises
    ------
    SettingError
        If a score is constant, is missing for most architectures, or is what the benchmark selects or reports by.
    """
    found = tuple(predictor for source in sources for predictor in read_scores(source, benchmark, form))
    for predictor in found:
        described, scores = f"{predictor.name} of {predictor.origin}", predictor.scores
        known = np.isfinite(scores)
        if known.sum() < _MIN_KNOWN * len(scores):
            raise SettingError(
                f"{described} is missing for {np.sum(~known):,} of the {len(scores):,} architectures: a cheap score "
                "needs at least half of them"
            )
        if np.ptp(scores[known]) == 0:
            raise SettingError(f"{described} is {scores[known][0]:g} for every architecture: choose another column")
        for role, own in (("select", benchmark.selection), ("report", benchmark.report)):
            if np.array_equal(np.abs(scores), np.abs(own), equal_nan=True):
                raise SettingError(f"{described} are the scores that {role} here: they are not cheap")
    return found


def column_predictor(benchmark: Benchmark, text: str) -> PredictedScores:
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
    return PredictedScores(text, benchmark.name, -scores if text.startswith("-") else scores)


def _benchmark_and_dataset(name: str) -> tuple[str, str | None] | None:
    """Return the benchmark and the data set that a name like 'nas-bench-graph-pubmed' means; None if there is none."""
    names = benchmark_names()
    if name in names:
        return name, None
    for known in sorted(names, key=len, reverse=True):
        if name.startswith(f"{known}-") and (dataset := name.removeprefix(f"{known}-")) in load_table(known).datasets:
            return known, dataset
    return None


def _on_space(scores: Floats, other: Benchmark, space: Space) -> Floats:
    """Return the scores of another benchmark in the order of a space's index; NaN where it lacks an architecture."""
    if other.space.name == space.name and other.space.size == space.size:
        return scores
    moved = np.full(space.size, np.nan)
    strings = other.space.write(other.space.all_rows())
    try:
        moved[space.index(space.read(strings))] = scores
    except ArchitectureError:
        pass
    else:
        return moved
    try:
        return scores[other.space.index(other.space.read(space.write(space.all_rows())))]
    except ArchitectureError as error:
        raise SettingError(
            f"{other.name} has the architectures of {other.space.name}, not those of {space.name}: choose scores of "
            "the same space"
        ) from error


def _matches(parts: Sequence[str], column: Column) -> bool:
    """Return whether the parts occur in this order in the column's name, its metric first."""
    remaining = iter(column.name.split("/"))
    return parts[0] == column.metric and all(part in remaining for part in parts)
