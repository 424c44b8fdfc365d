"""Ablations: every combination of a grid of settings, noise and fidelity, with thousands of seeds and no training.

A row is one run of one grid point. Its random draws depend on the seed, the run, the method and its settings alone. In
one run every method sees the same noise, and a worse Kendall tau is more of the same noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.evaluation.noisy_evaluator import degrade
from lissnas.shrinkers.shrink import shrink
from lissnas.shrinkers.two_fidelity_shrinkage import with_cheap_scores
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import quality
from lissnas.storage.random_streams import named_generator
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.ablation.grid_points import AblationPoint
from lissnas_analyses.ablation.summarize import (
    POINT_COLUMNS,
    mean_ranks_by_recall,
    mean_statistics,
    sensitivity,
)
from lissnas_analyses.grid.benchmark_key import BenchmarkKey, full_space_quality
from lissnas_analyses.grid.run_grid import Row, run_grid
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers

_RUNS_PER_JOB = 8
"""Number of rows that a worker computes at a time: a few tenths of a second, which an interrupt may lose."""


@dataclass(frozen=True)
class AblationResult:
    """The numbers behind the figures of an ablation.

    Attributes
    ----------
    benchmark
        What was shrunk.
    points, runs, seed
        The grid, the number of runs of each grid point, and the seed.
    rows
        One row per run of a grid point: its key columns, evaluations, rounds, and every statistic of `Quality`.
    means
        One row per grid point and statistic: the mean over the runs and its 95 % interval, clipped to the range of the
        statistic, and the number of runs that failed.
    sensitivity
        One row per method and values of two settings; see `lissnas_analyses.ablation.summarize`. Empty if nothing
        varies.
    ranks
        The mean rank of each method and of each configuration; empty if there is only one.
    stored, computed
        Number of rows in the file, and number of runs computed in this call.
    seconds
        Wall time of the runs.
    """

    benchmark: Benchmark
    points: tuple[AblationPoint, ...]
    runs: int
    seed: int
    rows: pl.DataFrame
    means: pl.DataFrame
    sensitivity: pl.DataFrame
    ranks: pl.DataFrame
    stored: int
    computed: int
    seconds: float


def ablate(
    benchmark: Benchmark,
    points: Sequence[AblationPoint],
    runs: int,
    seed: int,
    *,
    path: Path | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> AblationResult:
    """Run every grid point, except the runs that the file of rows already has, and summarize.

    Parameters
    ----------
    benchmark
        What is shrunk.
    points, runs, seed
        What is run.
    path
        The Parquet file of rows. It keeps what is finished, also if this call is interrupted. None for no file.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing runs that are done.

    Raises
    ------
    SettingError
        If `runs` is below 1, or a method refuses its settings in this space.
    UnknownNameError
        If the benchmark has no scores after one of the numbers of epochs.
    """
    for epochs in dict.fromkeys(point.epochs for point in points):
        _scores_after(benchmark, epochs)  # an unknown number of epochs is refused before anything runs
    grid = run_grid(
        ablation_rows,
        benchmark,
        points,
        runs,
        seed,
        POINT_COLUMNS,
        path=path,
        workers=workers,
        report=report,
        runs_per_job=_RUNS_PER_JOB,
    )
    return AblationResult(
        benchmark=benchmark,
        points=tuple(points),
        runs=runs,
        seed=seed,
        rows=grid.rows,
        means=mean_statistics(grid.rows),
        sensitivity=sensitivity(grid.rows),
        ranks=mean_ranks_by_recall(grid.rows, runs),
        stored=grid.stored,
        computed=grid.computed,
        seconds=grid.seconds,
    )


def ablation_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[AblationPoint, int]]) -> list[Row]:
    """Return the rows of some runs: the task of a worker."""
    benchmark, evaluators, rows = key.open(), dict[tuple[int, int | None, float], TableEvaluator](), list[Row]()
    for point, run in chunk:
        condition = (run, point.epochs, point.noise_tau)
        if condition not in evaluators:
            rng = named_generator("noise", seed, run)
            scores = degrade(_scores_after(benchmark, point.epochs), point.noise_tau, rng)
            evaluators[condition] = TableEvaluator(benchmark.space, scores)
        try:
            shrinker = with_cheap_scores(point.shrinker, benchmark.cheap_evaluators)
            trace = shrink(benchmark.space, evaluators[condition], shrinker, point.generator(seed, run))
        except SettingError as error:
            raise SettingError(f"{point.method} in run {run}: {error}") from error
        statistics = quality(trace.subspace, benchmark.report) if len(trace.rounds) > 1 else full_space_quality(key)
        spent = {"evaluations": trace.evaluations.count, "rounds": len(trace.rounds) - 1}
        rows.append(point.columns | {"seed": seed, "run": run} | spent | asdict(statistics))
    return rows


def _scores_after(benchmark: Benchmark, epochs: int | None) -> Floats:
    """Return the scores that a method sees after a number of epochs; an unknown number raises UnknownNameError."""
    if epochs is None:
        return benchmark.selection
    measure = replace(benchmark.adapter.selects, epochs=epochs, metric=benchmark.reports.metric)
    return benchmark.table.values(measure, benchmark.dataset)
