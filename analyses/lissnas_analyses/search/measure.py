"""Does shrinking pay? The same search in a shrunk space and in the full one, at equal total evaluations.

In a shrunk space, the evaluations of the shrinker count first. The search knows their scores, and may choose one of the
architectures that they scored. The chosen architecture is the best so far by the scores that select. Its regret is the
difference between the best architecture of the full space and it, by the scores that report.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.optimizers.search import SearchTrace, optimizer_class, search
from lissnas.shrinkers.shrink import Shrinker, shrink
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.run_grid import Row, run_grid, setting_columns
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.search.optimum import evaluations_to_optimum, summarize_optimum

METHODS = ("lissnas", "kernel")
"""The methods that shrink by default."""

OPTIMIZERS = ("random", "regularized-evolution", "local-search")
"""The optimizers that search by default."""

FULL_SPACE = "full space"
"""Name of the search without shrinking, among the names of the methods."""

_POINT_COLUMNS: dict[str, pl.DataType] = {
    "space": pl.String(),
    "optimizer": pl.String(),
    "total_evaluations": pl.Int64(),
}
"""The columns that tell searches apart, besides those of the settings."""

_RECORDS = ["regret", "evaluations to the optimum"]
"""What a stored row records, in its identity: rows that record something else are refused."""

_RECORDED = 100
"""Number of evaluation counts, evenly spaced, at which the regret is recorded."""


@dataclass(frozen=True)
class SearchResult:
    """The numbers behind the figure of searches.

    Attributes
    ----------
    benchmark
        What was searched.
    shrinkers, optimizers
        The methods by their names, and the names of the optimizers.
    evaluations, seed
        Total evaluations of every search, and the seed.
    runs
        One row per run, space ("full space" or a method), optimizer and number of evaluations: the regret.
    means
        One row per space, optimizer and number of evaluations: the mean regret over the runs with its 95 % interval,
        and the same of the paired difference to the full space.
    shrinking
        One row per run and method: the evaluations of shrinking, and the number of architectures it kept.
    optimum
        One row per space and optimizer: in how many runs it scored the best architecture of the full space by the
        scores that select, and the quartiles of the evaluations that it needed; see `summarize_optimum`.
    """

    benchmark: Benchmark
    shrinkers: dict[str, Shrinker]
    optimizers: tuple[str, ...]
    evaluations: int
    seed: int
    runs: pl.DataFrame
    means: pl.DataFrame
    shrinking: pl.DataFrame
    optimum: pl.DataFrame

    def end(self, space: str, optimizer: str) -> dict[str, float]:
        """Return the last row of `means` of a search."""
        rows = self.means.filter((pl.col("space") == space) & (pl.col("optimizer") == optimizer))
        return rows.sort("evaluations").row(-1, named=True)


@dataclass(frozen=True)
class SearchPoint:
    """One search: an optimizer with a total of evaluations, in the full space or in what a method keeps.

    Attributes
    ----------
    space, shrinker
        The name of the method whose kept space is searched, and the method; "full space" and None for the full space.
    optimizer, evaluations
        The name of the optimizer, and the total, with the evaluations of shrinking.
    """

    space: str
    shrinker: Shrinker | None
    optimizer: str
    evaluations: int

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that tell this search from others."""
        search = {"space": self.space, "optimizer": self.optimizer, "total_evaluations": self.evaluations}
        return search | ({} if self.shrinker is None else setting_columns(self.shrinker))


def compare_searches(
    benchmark: Benchmark,
    shrinkers: Mapping[str, Shrinker],
    optimizers: Sequence[str] = OPTIMIZERS,
    evaluations: int = 500,
    runs: int = 50,
    seed: int = 0,
    *,
    path: Path | None = None,
    workers: Workers = THIS_PROCESS,
    report: Callable[[float], None] = lambda share: None,
) -> SearchResult:
    """Search in the full space and in what each method keeps, with every optimizer, `runs` times.

    Parameters
    ----------
    benchmark
        What is searched.
    shrinkers
        The methods by their names.
    optimizers, evaluations, runs, seed
        What is run; `evaluations` is the total of a search, with those of shrinking.
    path
        The Parquet file of rows, one per run and search; None for no file. Searches that it has are not computed again.
        If this call is interrupted, it keeps the finished ones.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing searches that are done.

    Raises
    ------
    SettingError
        If `runs` or `evaluations` is below 1, or a method or optimizer refuses its settings in this space.
    LissnasError
        If the file has rows of other data.
    """
    if runs < 1 or evaluations < 1:
        raise SettingError(f"at least 1 run and 1 evaluation are needed, not {runs} and {evaluations}")
    optimizers = tuple(dict.fromkeys(optimizers))
    spaces: dict[str, Shrinker | None] = {FULL_SPACE: None, **shrinkers}
    points = [
        SearchPoint(space, shrinker, optimizer, evaluations)
        for space, shrinker in spaces.items()
        for optimizer in optimizers
    ]
    rows = run_grid(
        search_rows,
        benchmark,
        points,
        runs,
        seed,
        _POINT_COLUMNS,
        path=path,
        workers=workers,
        report=report,
        settings={"records": _RECORDS},
    ).rows
    by_search = {
        (point.space, point.optimizer): rows.filter(
            (pl.col("space") == point.space) & (pl.col("optimizer") == point.optimizer)
        )
        for point in points
    }
    regret = {search: np.array(of_search["regret"].to_list()) for search, of_search in by_search.items()}
    recorded = recorded_at(evaluations)
    shrinking = [
        {"run": row["run"], "method": method, "evaluations": row["evaluations"], "size": row["size"]}
        for run in range(runs)
        for method in shrinkers
        for row in [by_search[method, optimizers[-1]].row(run, named=True)]
    ]
    return SearchResult(
        benchmark=benchmark,
        shrinkers=dict(shrinkers),
        optimizers=optimizers,
        evaluations=evaluations,
        seed=seed,
        runs=_runs(regret, recorded),
        means=_means(regret, recorded),
        shrinking=pl.DataFrame(shrinking),
        optimum=summarize_optimum({search: of_search["optimum_at"] for search, of_search in by_search.items()}),
    )


def recorded_at(evaluations: int) -> Indices:
    """Return the numbers of evaluations at which the regret is recorded; the last one is the total."""
    return np.unique(np.linspace(1, evaluations, min(_RECORDED, evaluations)).round().astype(np.int64))


def search_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[SearchPoint, int]]) -> list[Row]:
    """Return the rows of some searches: the task of a worker.

    A row has the regret at each recorded number of evaluations, the evaluations and the size of the shrunk space, and
    the evaluations until the optimum.
    """
    benchmark, rows = key.open(), list[Row]()
    for point, run in chunk:
        subspace: Subspace = FullSpace(benchmark.space)
        evaluator: Evaluator = benchmark.evaluator
        spent: dict[str, int | None] = {"evaluations": None, "size": None}
        if point.shrinker is not None:
            rng = named_generator(point.space, seed, run)
            shrinking = shrink(benchmark.space, evaluator, point.shrinker, rng)
            subspace, evaluator = shrinking.subspace, shrinking.evaluations
            spent = {"evaluations": shrinking.evaluations.count, "size": subspace.size}
        trace = search(
            subspace,
            evaluator,
            optimizer_class(point.optimizer)(),
            named_generator(f"search {point.optimizer}", seed, run),
            point.evaluations,
        )
        regret = regret_at(trace, benchmark, recorded_at(point.evaluations)).tolist()
        optimum_at = evaluations_to_optimum(trace, benchmark, point.evaluations)
        rows.append(point.columns | {"seed": seed, "run": run} | spent | {"regret": regret, "optimum_at": optimum_at})
    return rows


def regret_at(trace: SearchTrace, benchmark: Benchmark, points: Indices) -> Floats:
    """Return the regret after each number of evaluations, shape (points,).

    A search that ended early keeps its last regret. Before the first score it is the regret of the worst architecture.
    """
    incumbents = trace.incumbents[np.minimum(points, trace.evaluations.count) - 1]
    reported = np.where(incumbents >= 0, benchmark.report[incumbents], np.nan)
    return np.nanmax(benchmark.report) - np.where(np.isnan(reported), np.nanmin(benchmark.report), reported)


def regret_of_the_best_selected(benchmark: Benchmark) -> float:
    """Return the regret of the best architecture by the scores that select; a search that scores all chooses it."""
    return float(np.nanmax(benchmark.report) - benchmark.report[np.nanargmax(benchmark.selection)])


def _runs(regret: dict[tuple[str, str], Floats], points: Indices) -> pl.DataFrame:
    """Return one row per search, run and number of evaluations; the regrets of a search have shape (runs, points)."""
    frames = [
        pl.DataFrame(
            {
                "space": space,
                "optimizer": optimizer,
                "run": np.repeat(np.arange(len(values)), len(points)),
                "evaluations": np.tile(points, len(values)),
                "regret": values.ravel(),
            }
        )
        for (space, optimizer), values in regret.items()
    ]
    return pl.concat(frames)


def _means(regret: dict[tuple[str, str], Floats], points: Indices) -> pl.DataFrame:
    frames = []
    for (space, optimizer), values in regret.items():
        mean, gain = mean_over_runs(values), mean_over_runs(values - regret[FULL_SPACE, optimizer])
        columns = {"regret": mean.value, "low": np.maximum(mean.low, 0), "high": mean.high}
        columns |= {"difference": gain.value, "difference_low": gain.low, "difference_high": gain.high}
        frames.append(pl.DataFrame({"space": space, "optimizer": optimizer, "evaluations": points} | columns))
    return pl.concat(frames)
