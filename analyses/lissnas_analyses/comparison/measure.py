"""Shrinking methods side by side on one benchmark.

LISSNAS decides the number of architectures kept and the evaluations; the other methods get the same in each run.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink, shrinker_class
from lissnas.statistics.quality import quality
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace
from lissnas_benchmarks.benchmark import Benchmark

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
from lissnas_analyses.grid.row_store import open_row_store
from lissnas_analyses.grid.run_grid import Row, check_runs, run_grid
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers

METHODS = ("lissnas", "operation-pruning", "random-subset")
"""The methods that are compared by default."""


@dataclass(frozen=True)
class ComparisonResult:
    """The numbers behind the figures of a comparison.

    Attributes
    ----------
    benchmark, methods, seed
        What was compared; the first method is the reference of `paired`.
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

    def final(self, method: str, statistic: str) -> tuple[float, float, float]:
        """Return the mean over the runs of a statistic of a method's result, and its 95 % interval."""
        row = self.final_row(method, statistic)
        return row["mean"], row["low"], row["high"]

    def final_row(self, method: str, statistic: str) -> dict[str, Any]:
        """Return the row of `rounds` of a statistic of a method's result."""
        rows = self.rounds.filter((pl.col("method") == method) & (pl.col("statistic") == statistic)).sort("round")
        return rows.row(-1, named=True)


@dataclass(frozen=True)
class _MethodPoint:
    """One method of a comparison."""

    method: str

    @property
    def columns(self) -> dict[str, Any]:
        return {"method": self.method}


def traces(benchmark: Benchmark, methods: Sequence[str], seed: int, run: int) -> dict[str, Trace]:
    """Run every method once, each with the size and the evaluations of LISSNAS as far as its settings allow."""
    return _traces_and_budget(benchmark, methods, seed, run)[0]


def compare(
    benchmark: Benchmark,
    methods: Sequence[str] = METHODS,
    runs: int = 20,
    seed: int = 0,
    *,
    path: Path | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> ComparisonResult:
    """Run every method `runs` times, and judge each round by the scores that report.

    Parameters
    ----------
    benchmark
        What is shrunk.
    methods, runs, seed
        What is run.
    path
        The Parquet file of rows, one per method, run and round; None for no file. Runs that it has are not computed
        again. If this call is interrupted, it keeps the finished runs. Rows of other data are replaced.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing runs that are done.

    Raises
    ------
    SettingError
        If `runs` is below 1, or a method refuses its settings in this space.
    """
    key, methods = BenchmarkKey.of(benchmark), tuple(dict.fromkeys(methods))
    points = [_MethodPoint(method) for method in methods]
    columns = {"method": pl.String()}
    check_runs(runs)
    with open_row_store(path, key.identity(), columns, ("round",), replace_others=True) as store:
        grid = run_grid(comparison_rows, key, points, runs, seed, store, workers, report, runs_per_job=len(points))
    rows = rows_by_run(grid.rows, methods)
    rounds = rounds_of_runs(rows)
    return ComparisonResult(
        benchmark=benchmark,
        methods=methods,
        seed=seed,
        runs=rounds,
        rounds=means_of_rounds(rounds),
        distributions=distributions(benchmark, rows),
        paired=paired_differences(rounds, tuple(STATISTIC_RANGES)),
        kept_spaces=summarize_kept_spaces(benchmark, {name: [run[-1] for run in of] for name, of in rows.items()}),
        settings=_settings(rows),
        first_run={method: _subspaces(benchmark, of_method[0]) for method, of_method in rows.items()},
    )


def comparison_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[_MethodPoint, int]]) -> list[Row]:
    """Return the rows of some runs, one per method, run and round: the task of a worker."""
    benchmark, rows = key.open(), list[Row]()
    scores = distribution_scores(benchmark)
    for run in dict.fromkeys(run for _, run in chunk):
        methods = [point.method for point, number in chunk if number == run]
        of_run, budget = _traces_and_budget(benchmark, methods, seed, run)
        for method, trace in of_run.items():
            for number, (shrunk, spent) in enumerate(zip(trace.rounds, _spent(trace), strict=True)):
                subspace = shrunk.subspace
                is_last = number == len(trace.rounds) - 1
                kept = subspace.index.tolist() if run == 0 and number else None
                statistics = quality(subspace, benchmark.report) if number else full_space_quality(key)
                rows.append(
                    {"method": method, "seed": seed, "run": run, "round": number, "evaluations": spent}
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
    schema = {"method": pl.String, "round": pl.Int32, "evaluations": pl.Int32, "index": pl.Int64}
    first = result.runs.filter((pl.col("run") == 0) & ~pl.col("stopped"))
    spent = {(row["method"], row["round"]): row["evaluations"] for row in first.iter_rows(named=True)}
    frames = [
        pl.DataFrame({"index": subspace.index}).select(
            pl.lit(method).alias("method"),
            pl.lit(number, pl.Int32).alias("round"),
            pl.lit(spent[method, number], pl.Int32).alias("evaluations"),
            "index",
        )
        for method, subspaces in result.first_run.items()
        for number, subspace in enumerate(subspaces)
        if subspace.size < result.benchmark.space.size
    ]
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def _traces_and_budget(
    benchmark: Benchmark, methods: Sequence[str], seed: int, run: int
) -> tuple[dict[str, Trace], dict[str, int]]:
    """Return a run of every method, and the evaluations and the size that LISSNAS gave them."""

    def run_with(method: str, shrinker: Shrinker) -> Trace:
        return shrink(benchmark.space, benchmark.evaluator, shrinker, named_generator(method, seed, run))

    lissnas = run_with("lissnas", Lissnas())
    budget = {"evaluations": lissnas.evaluations.count, "size": lissnas.subspace.size}
    return {
        method: lissnas if method == "lissnas" else run_with(method, _shrinker(method, budget)) for method in methods
    }, budget


def _shrinker(method: str, budget: dict[str, int]) -> Shrinker:
    """Return a method with the evaluations and the size of LISSNAS, as far as it has such settings."""
    if method == "lissnas":
        return Lissnas()
    shrinker: Any = shrinker_class(method)
    names = {field.name for field in fields(shrinker)}
    return cast(Shrinker, shrinker(**{name: value for name, value in budget.items() if name in names}))


def _spent(trace: Trace) -> list[int]:
    """Return the evaluations of each round; the last one has all, also those after which the method stopped."""
    return [*(shrunk.evaluations for shrunk in trace.rounds[:-1]), trace.evaluations.count]


def _settings(rows: dict[str, list[list[Row]]]) -> dict[str, dict[str, Any]]:
    """Return the settings of each method; under "by_run" those that differ between runs, one value per run."""
    settings: dict[str, dict[str, Any]] = {}
    for method, runs in rows.items():
        budgets = [{name: rounds[0][f"lissnas_{name}"] for name in ("evaluations", "size")} for rounds in runs]
        of_runs = [asdict(cast(Any, _shrinker(method, budget))) for budget in budgets]
        differing = [name for name in of_runs[0] if any(of_run[name] != of_runs[0][name] for of_run in of_runs)]
        same = {name: value for name, value in of_runs[0].items() if name not in differing}
        settings[method] = same | {"by_run": {name: [of_run[name] for of_run in of_runs] for name in differing}}
    return settings


def _subspaces(benchmark: Benchmark, rounds: list[Row]) -> tuple[Subspace, ...]:
    """Return the subspaces of a run whose rows have the architectures that were kept."""
    kept = (np.array(row["kept"], dtype=np.int64) for row in rounds[1:])
    return (WholeSpace(benchmark.space), *(ExplicitSubspace(benchmark.space, index) for index in kept))
