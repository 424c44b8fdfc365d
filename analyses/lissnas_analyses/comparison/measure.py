"""Shrinking methods side by side on one benchmark.

LISSNAS decides the number of architectures kept and the evaluations; the other methods get the same in each run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Shrinker
from lissnas.spaces.space import INDEX_COLUMN
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.compared_method import POINT_COLUMNS, ComparedMethod, comparison_points
from lissnas_analyses.comparison.kept_space import KeptSpaces, summarize_kept_spaces
from lissnas_analyses.comparison.rows import LEFT_OUT, comparison_rows
from lissnas_analyses.comparison.score_counts import ScoreCounts
from lissnas_analyses.comparison.summarize import (
    STATISTIC_RANGES,
    distributions,
    means_of_rounds,
    paired_differences,
    rounds_of_runs,
    rows_by_run,
)
from lissnas_analyses.grid.rule_file import RuleFile
from lissnas_analyses.grid.run_grid import Row, run_grid
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers

METHODS = ("lissnas", "lissnas-model", "kernel", "operation-pruning", "random-subset")
"""The methods that are compared by default."""

SAMPLED_EVALUATIONS, SAMPLED_SHARE = 150, 0.03
"""Evaluations, and share of the networks that is kept, where LISSNAS cannot run (our own choice)."""


@dataclass(frozen=True)
class ComparisonResult:
    """The numbers behind the figures of a comparison.

    Attributes
    ----------
    benchmark, methods, seed
        What was compared; the first method is the reference of `paired`. A shrinker with settings of its own is called
        by its name and these settings; with several budgets, a method is called by its name and evaluations.
    points
        Each of these methods with its settings and budget.
    evaluations, size
        The given budgets and size; empty and None for those of LISSNAS.
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
    counted
        Networks without a score, tied optima, and the size of the top 1 %.
    settings
        The settings of each method; under "by_run" those that LISSNAS gave it, one value per run.
    first_run
        The subspaces of the first run of each method, from the full space (round 0) to the result.
    """

    benchmark: Benchmark
    methods: tuple[str, ...]
    points: dict[str, ComparedMethod]
    evaluations: tuple[int, ...]
    size: int | None
    left_out: dict[str, str]
    seed: int
    runs: pl.DataFrame
    rounds: pl.DataFrame
    distributions: pl.DataFrame
    paired: pl.DataFrame
    kept_spaces: KeptSpaces
    counted: ScoreCounts
    settings: dict[str, dict[str, Any]]
    first_run: dict[str, tuple[Subspace, ...]]

    @cached_property
    def number_of_runs(self) -> int:
        """Number of runs of each method."""
        return self.runs["run"].n_unique()

    @property
    def registered_methods(self) -> tuple[str, ...]:
        """The names of the methods without their settings, each once."""
        return tuple(dict.fromkeys(point.name for point in self.points.values()))

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
    methods: Sequence[Shrinker | RuleFile | str | ComparedMethod] = METHODS,
    runs: int = 20,
    seed: int = 0,
    *,
    evaluations: Sequence[int] = (),
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
        Names of methods, alone or with settings as in "kernel:batch=5", and rules in files: they get the size and the
        evaluations of LISSNAS in each run; or shrinkers, which keep their settings.
    runs, seed
        What is run.
    evaluations, size
        The budgets and the size of the methods by name; those of LISSNAS in the same run by default, and on a sample of
        a space 150 evaluations and 3 % of its networks. Every method with a budget runs at each of them.
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
        If a number is below 1, a setting is wrong, LISSNAS refuses this space, or every method does.
    UnknownNameError
        If there is no method of a name, or a method has no setting of a name.
    LissnasError
        If the file has rows of other data.
    """
    if benchmark.is_sample:
        evaluations = evaluations or (SAMPLED_EVALUATIONS,)
        size = size or round(SAMPLED_SHARE * benchmark.space.size)
    evaluations = tuple(sorted(set(evaluations)))
    if min(evaluations, default=1) < 1:
        raise SettingError(f"a budget must be at least 1 evaluation, not {min(evaluations)}")
    points = comparison_points(methods, evaluations, size)
    grid = run_grid(
        comparison_rows,
        benchmark,
        points,
        runs,
        seed,
        POINT_COLUMNS,
        ("round",),
        path=path,
        workers=workers,
        report=report,
        runs_per_job=len(points),
        settings={"lissnas": asdict(Lissnas()), "points": list(POINT_COLUMNS)},  # LISSNAS sets what is not given
    )
    labels = {point.label(evaluations): point for point in points}
    labeled = _labeled(grid.rows, labels)
    left_out = _left_out(labeled)
    labels = {label: point for label, point in labels.items() if label not in left_out}
    if not labels:
        raise SettingError("; ".join(f"{method} was left out: {reason}" for method, reason in left_out.items()))
    rows = rows_by_run(labeled, list(labels))
    rounds = rounds_of_runs(rows)
    return ComparisonResult(
        benchmark=benchmark,
        methods=tuple(labels),
        points=labels,
        evaluations=evaluations,
        size=size,
        left_out=left_out,
        seed=seed,
        runs=rounds,
        rounds=means_of_rounds(rounds),
        distributions=distributions(benchmark, rows),
        paired=paired_differences(rounds, tuple(STATISTIC_RANGES)),
        kept_spaces=summarize_kept_spaces(benchmark, {name: [run[-1] for run in of] for name, of in rows.items()}),
        counted=ScoreCounts.of(benchmark),
        settings={label: _settings(point, rows[label]) for label, point in labels.items()},
        first_run={method: _subspaces(benchmark, of_method[0]) for method, of_method in rows.items()},
    )


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


def _labeled(rows: pl.DataFrame, points: Mapping[str, ComparedMethod]) -> pl.DataFrame:
    """Return rows with the label of their method as its name."""
    names = pl.DataFrame(
        [point.columns | {"label": label} for label, point in points.items()],
        schema={**POINT_COLUMNS, "label": pl.String()},
    )
    joined = rows.join(names, on=list(POINT_COLUMNS), nulls_equal=True, maintain_order="left")
    return joined.with_columns(method="label").drop("label")


def _left_out(rows: pl.DataFrame) -> dict[str, str]:
    """Return the methods that refused a run, each with its first reason."""
    if LEFT_OUT not in rows.columns:
        return {}
    refused = rows.filter(pl.col(LEFT_OUT).is_not_null()).sort("run")
    first = refused.group_by("method", maintain_order=True).first()
    return {row["method"]: f"run {row['run']}: {row[LEFT_OUT]}" for row in first.iter_rows(named=True)}


def _settings(point: ComparedMethod, runs: list[list[Row]]) -> dict[str, Any]:
    """Return the settings of a method; under "by_run" those that differ between runs, one value per run."""
    decided = [{name: rounds[0][f"lissnas_{name}"] for name in ("evaluations", "size")} for rounds in runs]
    budgets = [{name: value for name, value in of_run.items() if value is not None} for of_run in decided]
    of_runs = [asdict(cast(Any, point.within(budget))) for budget in budgets]
    differing = [name for name in of_runs[0] if any(of_run[name] != of_runs[0][name] for of_run in of_runs)]
    same = {name: value for name, value in of_runs[0].items() if name not in differing}
    return same | {"by_run": {name: [of_run[name] for of_run in of_runs] for name in differing}}


def _subspaces(benchmark: Benchmark, rounds: list[Row]) -> tuple[Subspace, ...]:
    """Return the subspaces of a run whose rows have the architectures that were kept."""
    kept = (np.array(row["kept"], dtype=np.int64) for row in rounds[1:])
    return (FullSpace(benchmark.space), *(ExplicitSubspace(benchmark.space, index) for index in kept))
