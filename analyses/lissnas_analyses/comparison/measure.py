"""Shrinking methods side by side on one benchmark.

LISSNAS decides the number of architectures kept and the evaluations; the other methods get the same in each run.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.shrinkers.two_fidelity_shrinkage import with_cheap_scores
from lissnas.spaces.space import INDEX_COLUMN
from lissnas.statistics.quality import quality
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.compared_method import ComparedMethod, compared_method
from lissnas_analyses.comparison.kept_space import KeptSpaces, kept_space_statistics, summarize_kept_spaces
from lissnas_analyses.comparison.summarize import (
    STATISTIC_RANGES,
    distribution_scores,
    distributions,
    means_of_rounds,
    paired_differences,
    rounds_of_runs,
    rows_by_run,
    share_below,
)
from lissnas_analyses.grid.benchmark_key import BenchmarkKey, full_space_quality
from lissnas_analyses.grid.run_grid import Row, run_grid
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers

METHODS = ("lissnas", "lissnas-model", "kernel", "operation-pruning", "random-subset")
"""The methods that are compared by default."""

_LEFT_OUT = "left_out"
"""Column of the reason why a method refused a run; such a run has a single row without statistics."""


@dataclass(frozen=True)
class ComparisonResult:
    """The numbers behind the figures of a comparison.

    Attributes
    ----------
    benchmark, methods, seed
        What was compared; the first method is the reference of `paired`. A shrinker with settings of its own is called
        by its name and these settings.
    left_out
        The methods that refused a run, which are not among `methods`, each with its reason.
    runs
        One row per method, run and round: evaluations and every statistic of `Quality`. A run that has stopped stays at
        its result; round 0 is the full space.
    rounds
        One row per method, round and statistic: the mean over the runs and its 95 % interval, clipped to the range of
        the statistic, the median and the quartiles, and the numbers of runs that had not stopped and that had failed.
    distributions
        One row per method, round and score: the mean over the runs of the share of architectures below, and its 95 %
        interval.
    paired
        One row per statistic and a method except the first: its difference to the first, run by run; see
        `paired_differences`.
    kept_spaces
        What a search in the kept spaces finds, and how diverse these spaces are.
    settings
        The settings of each method; under "by_run" those that LISSNAS gave it, one value per run.
    first_run
        The subspaces of the first run of each method, from the full space (round 0) to the result.
    """

    benchmark: Benchmark
    methods: tuple[str, ...]
    left_out: dict[str, str]
    seed: int
    runs: pl.DataFrame
    rounds: pl.DataFrame
    distributions: pl.DataFrame
    paired: pl.DataFrame
    kept_spaces: KeptSpaces
    settings: dict[str, dict[str, Any]]
    first_run: dict[str, tuple[Subspace, ...]]

    @cached_property
    def number_of_runs(self) -> int:
        """Number of runs of each method."""
        return self.runs["run"].n_unique()

    @property
    def registered_methods(self) -> tuple[str, ...]:
        """The names of the methods without their settings, each once."""
        return tuple(dict.fromkeys(method.partition("(")[0] for method in self.methods))

    def final(self, method: str, statistic: str) -> tuple[float, float, float]:
        """Return the mean over the runs of a statistic of a method's result, and its 95 % interval."""
        row = self.final_row(method, statistic)
        return row["mean"], row["low"], row["high"]

    def final_row(self, method: str, statistic: str) -> dict[str, Any]:
        """Return the row of `rounds` of a statistic of a method's result."""
        rows = self.rounds.filter((pl.col("method") == method) & (pl.col("statistic") == statistic)).sort("round")
        return rows.row(-1, named=True)


def compare(
    benchmark: Benchmark,
    methods: Sequence[Shrinker | str] = METHODS,
    runs: int = 20,
    seed: int = 0,
    *,
    evaluations: int | None = None,
    size: int | None = None,
    path: Path | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> ComparisonResult:
    """Run every method `runs` times, and judge each round by the scores that report.

    Parameters
    ----------
    benchmark
        What is shrunk.
    methods
        Names of methods, which get the size and the evaluations of LISSNAS in each run; or shrinkers, which keep their
        settings.
    runs, seed
        What is run.
    evaluations, size
        The budget and the size of the methods by name; those of LISSNAS in the same run by default.
    path
        The Parquet file of rows, one per method, run and round; None for no file. Runs that it has are not computed
        again. If this call is interrupted, it keeps the finished runs.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing runs that are done.

    Raises
    ------
    SettingError
        If `runs` is below 1, LISSNAS refuses this space, or every method does.
    UnknownNameError
        If there is no method of a name.
    LissnasError
        If the file has rows of other data.
    """
    points = tuple(dict.fromkeys(compared_method(method, evaluations, size) for method in methods))
    budget = {name: value for name, value in (("evaluations", evaluations), ("size", size)) if value is not None}
    grid = run_grid(
        comparison_rows,
        benchmark,
        points,
        runs,
        seed,
        {"method": pl.String()},
        ("round",),
        path=path,
        workers=workers,
        report=report,
        runs_per_job=len(points),
        settings={"lissnas": asdict(Lissnas()), **budget},  # LISSNAS sets what is not given
    )
    left_out = _left_out(grid.rows)
    points = tuple(point for point in points if point.method not in left_out)
    if not points:
        raise SettingError("; ".join(f"{method} was left out: {reason}" for method, reason in left_out.items()))
    rows = rows_by_run(grid.rows, [point.method for point in points])
    rounds = rounds_of_runs(rows)
    return ComparisonResult(
        benchmark=benchmark,
        methods=tuple(point.method for point in points),
        left_out=left_out,
        seed=seed,
        runs=rounds,
        rounds=means_of_rounds(rounds),
        distributions=distributions(benchmark, rows),
        paired=paired_differences(rounds, tuple(STATISTIC_RANGES)),
        kept_spaces=summarize_kept_spaces(benchmark, {name: [run[-1] for run in of] for name, of in rows.items()}),
        settings={point.method: _settings(point, rows[point.method]) for point in points},
        first_run={method: _subspaces(benchmark, of_method[0]) for method, of_method in rows.items()},
    )


def comparison_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[ComparedMethod, int]]) -> list[Row]:
    """Return the rows of some runs, one per method, run and round: the task of a worker.

    A method that refuses a run has one row with the reason.
    """
    benchmark, rows = key.open(), list[Row]()
    space, evaluator, scores = benchmark.space, benchmark.evaluator, distribution_scores(benchmark)
    for run in dict.fromkeys(run for _, run in chunk):
        sized = ComparedMethod("lissnas", size=chunk[0][0].size)
        lissnas = shrink(space, evaluator, sized.within({}), named_generator("lissnas", seed, run))
        budget = {"evaluations": lissnas.evaluations.count, "size": lissnas.subspace.size}
        for point in (point for point, number in chunk if number == run):
            trace = lissnas
            if point.method != "lissnas":
                try:
                    shrinker = with_cheap_scores(point.within(budget), benchmark.cheap_evaluators)
                    trace = shrink(space, evaluator, shrinker, named_generator(point.method, seed, run))
                except SettingError as error:
                    refusal = {"seed": seed, "run": run, "round": 0, _LEFT_OUT: str(error)}
                    rows.append(point.columns | refusal)
                    continue
            for number, (shrunk, spent) in enumerate(zip(trace.rounds, _spent(trace), strict=True)):
                subspace = shrunk.subspace
                is_last = number == len(trace.rounds) - 1
                kept = subspace.index.tolist() if run == 0 and number else None
                statistics = quality(subspace, benchmark.report) if number else full_space_quality(key)
                rows.append(
                    point.columns
                    | {"seed": seed, "run": run, "round": number, "evaluations": spent}
                    | asdict(statistics)
                    | {f"lissnas_{name}": value for name, value in budget.items()}
                    | {"share_below": share_below(benchmark.report[subspace.index], scores).tolist()}
                    | kept_space_statistics(benchmark, subspace if is_last else None)
                    | {"kept": kept}
                )
    return rows


def first_rounds(result: ComparisonResult) -> pl.DataFrame:
    """Return one row per method, round and kept architecture of the first run: method, round, evaluations, index.

    Rounds in which a method kept the full space are left out.
    """
    schema = {"method": pl.String, "round": pl.Int32, "evaluations": pl.Int32, INDEX_COLUMN: pl.Int64}
    first = result.runs.filter((pl.col("run") == 0) & ~pl.col("stopped"))
    spent = {(row["method"], row["round"]): row["evaluations"] for row in first.iter_rows(named=True)}
    frames = [
        pl.DataFrame({INDEX_COLUMN: subspace.index}).select(
            pl.lit(method).alias("method"),
            pl.lit(number, pl.Int32).alias("round"),
            pl.lit(spent[method, number], pl.Int32).alias("evaluations"),
            INDEX_COLUMN,
        )
        for method, subspaces in result.first_run.items()
        for number, subspace in enumerate(subspaces)
        if subspace.size < result.benchmark.space.size
    ]
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def _left_out(rows: pl.DataFrame) -> dict[str, str]:
    """Return the methods that refused a run, each with its first reason."""
    if _LEFT_OUT not in rows.columns:
        return {}
    refused = rows.filter(pl.col(_LEFT_OUT).is_not_null()).sort("run")
    first = refused.group_by("method", maintain_order=True).first()
    return {row["method"]: f"run {row['run']}: {row[_LEFT_OUT]}" for row in first.iter_rows(named=True)}


def _spent(trace: Trace) -> list[int]:
    """Return the evaluations of each round; the last one has all, also those after which the method stopped."""
    return [*(shrunk.evaluations for shrunk in trace.rounds[:-1]), trace.evaluations.count]


def _settings(point: ComparedMethod, runs: list[list[Row]]) -> dict[str, Any]:
    """Return the settings of a method; under "by_run" those that differ between runs, one value per run."""
    budgets = [{name: rounds[0][f"lissnas_{name}"] for name in ("evaluations", "size")} for rounds in runs]
    of_runs = [asdict(cast(Any, point.within(budget))) for budget in budgets]
    differing = [name for name in of_runs[0] if any(of_run[name] != of_runs[0][name] for of_run in of_runs)]
    same = {name: value for name, value in of_runs[0].items() if name not in differing}
    return same | {"by_run": {name: [of_run[name] for of_run in of_runs] for name in differing}}


def _subspaces(benchmark: Benchmark, rounds: list[Row]) -> tuple[Subspace, ...]:
    """Return the subspaces of a run whose rows have the architectures that were kept."""
    kept = (np.array(row["kept"], dtype=np.int64) for row in rounds[1:])
    return (WholeSpace(benchmark.space), *(ExplicitSubspace(benchmark.space, index) for index in kept))
