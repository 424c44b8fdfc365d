"""Ablations: every cell of a grid of settings, noise and fidelity, with thousands of seeds, without any training.

A row is one run of one cell. Its random numbers depend on the seed, the run, the method and its settings, and on
nothing else; in one run every method sees the same noise, and a worse Kendall tau is more of the same noise.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.evaluation.noisy_evaluator import degrade
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import CONFIDENCE
from lissnas.statistics.quality import Quality, quality
from lissnas.storage.random_streams import named_generator
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import WholeSpace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.grid import SETTING, Cell
from lissnas_analyses.grid.row_store import RowStore
from lissnas_analyses.grid.workers import BenchmarkKey, Workers

_ROWS_A_JOB = 8
"""How many rows a worker computes at a time: what is lost of its work when it is stopped."""

_SECONDS_A_PART = 0.5
"""How often the finished rows are written to disk."""

_SHARES = ("recall_1", "recall_5", "size_ratio")
"""Which figures lie between 0 and 1."""


@dataclass(frozen=True)
class AblationResult:
    """The numbers behind the figures of an ablation.

    Attributes
    ----------
    cells
        The grid.
    runs
        How many runs of each cell.
    rows
        A row a run of a cell of this grid: what identifies it, evaluations, rounds and every figure of `Quality`.
    means
        A row a cell and figure: the mean over the runs, and its 95 % interval (Student's) within what is possible.
    stored, computed
        How many rows the file holds in all, and how many were computed this time.
    seconds
        How long that took.
    """

    cells: tuple[Cell, ...]
    runs: int
    rows: pl.DataFrame
    means: pl.DataFrame
    stored: int
    computed: int
    seconds: float


def identity(benchmark: Benchmark) -> RunIdentity:
    """Return what the rows of an ablation depend on, in addition to the grid."""
    return RunIdentity(
        data={
            "benchmark": benchmark.name,
            "dataset": benchmark.dataset,
            "selected_by": benchmark.selects.describe(),
            "reported_by": benchmark.reports.describe(),
            "checksums": zlib.crc32(repr(benchmark.table.provenance.checksums).encode()),
        },
        version=version("lissnas"),
    )


def ablate(
    name: BenchmarkKey,
    cells: Sequence[Cell],
    runs: int,
    seed: int,
    path: Path,
    workers: Workers,
    report: Callable[[float], None] = lambda share: None,
) -> AblationResult:
    """Run every cell of a grid, beside what the file already holds, and summarize.

    Parameters
    ----------
    name
        The study.
    cells, runs, seed
        What is run.
    path
        The Parquet file of rows; whatever was finished is kept in it, also when this is stopped.
    workers
        Who computes.
    report
        Told now and then which share of what was missing is done.

    Raises
    ------
    SettingError
        If there is no run.
    """
    if runs < 1:
        raise SettingError(f"the number of runs must be at least 1, not {runs}")
    started = time.monotonic()
    benchmark = name.open()
    for epochs in dict.fromkeys(cell.epochs for cell in cells):
        _scores_after(benchmark, epochs)  # an unknown number is told before anything is run
    with RowStore(path, identity(benchmark)) as store:
        missing = list(_missing(store, cells, runs, seed))
        jobs = ((name, seed, missing[at : at + _ROWS_A_JOB]) for at in range(0, len(missing), _ROWS_A_JOB))
        done, fresh, written = 0, list[dict[str, Any]](), time.monotonic()
        try:
            for rows in workers.each(measured_rows, jobs) if missing else ():
                fresh += rows
                done += len(rows)
                report(done / len(missing))
                if time.monotonic() - written > _SECONDS_A_PART:
                    store.append(fresh)
                    fresh, written = [], time.monotonic()
        finally:
            if fresh:
                store.append(fresh)
            every = store.merge()
    of_grid = _of_the_grid(every, cells, runs, seed)
    seconds = time.monotonic() - started
    return AblationResult(tuple(cells), runs, of_grid, _means(of_grid), every.height, len(missing), seconds)


def _missing(store: RowStore, cells: Sequence[Cell], runs: int, seed: int) -> Iterator[tuple[Cell, int]]:
    """Yield what the file does not hold, the cells of a run one after the other: they share its noise."""
    there = store.runs_done()
    done = [there.get(frozenset(_key(cell, seed).items()), set()) for cell in cells]
    for run in range(runs):
        for cell, known in zip(cells, done, strict=True):
            if run not in known:
                yield cell, run


def _key(cell: Cell, seed: int) -> dict[str, Any]:
    return {name: value for name, value in (cell.columns | {"seed": seed}).items() if value is not None}


def measured_rows(name: BenchmarkKey, seed: int, job: Sequence[tuple[Cell, int]]) -> list[dict[str, Any]]:
    """Return the rows of some runs: what a worker does."""
    benchmark, noisy, rows = name.open(), dict[tuple[int, int | None, float], TableEvaluator](), list[dict[str, Any]]()
    for cell, run in job:
        seen = (run, cell.epochs, cell.noise_tau)
        if seen not in noisy:
            rng = named_generator("noise", seed, run)
            scores = degrade(_scores_after(benchmark, cell.epochs), cell.noise_tau, rng)
            noisy[seen] = TableEvaluator(benchmark.space, scores)
        try:
            trace = shrink(benchmark.space, noisy[seen], cell.shrinker, cell.generator(seed, run))
        except SettingError as error:
            raise SettingError(f"{cell.method} in run {run}: {error}") from error
        judged = quality(trace.subspace, benchmark.report) if len(trace.rounds) > 1 else _whole_quality(name)
        spent = {"evaluations": trace.evaluations.count, "rounds": len(trace.rounds) - 1}
        rows.append(cell.columns | {"seed": seed, "run": run} | spent | asdict(judged))
    return rows


@lru_cache(maxsize=1)
def _whole_quality(name: BenchmarkKey) -> Quality:
    benchmark = name.open()
    return quality(WholeSpace(benchmark.space), benchmark.report)


def _scores_after(benchmark: Benchmark, epochs: int | None) -> Floats:
    """Return what a method may see after so many epochs; raises an error that names what there is."""
    if epochs is None:
        return benchmark.selection
    measure = replace(benchmark.adapter.selects, epochs=epochs, metric=benchmark.reports.metric)
    return benchmark.table.values(measure, benchmark.dataset)


def _of_the_grid(every: pl.DataFrame, cells: Sequence[Cell], runs: int, seed: int) -> pl.DataFrame:
    """Return the rows of a grid, without the columns of settings that none of its methods has."""
    wanted = pl.DataFrame([cell.columns for cell in cells], infer_schema_length=None)
    wanted = wanted.with_columns(pl.col("epochs").cast(pl.Int64))
    absent = [name for name in every.columns if name.startswith(SETTING) and name not in wanted.columns]
    rows = every.filter((pl.col("seed") == seed) & (pl.col("run") < runs))
    rows = rows.filter(pl.all_horizontal(pl.col(name).is_null() for name in absent)) if absent else rows
    wanted = wanted.cast({name: every.schema[name] for name in wanted.columns})
    return rows.join(wanted, on=wanted.columns, how="semi", nulls_equal=True).drop(absent)


def cell_columns(rows: pl.DataFrame) -> list[str]:
    """Return which columns tell one cell from another."""
    return ["method", "epochs", "noise_tau", *(name for name in rows.columns if name.startswith(SETTING))]


def _means(rows: pl.DataFrame) -> pl.DataFrame:
    from scipy.special import stdtrit

    cell = cell_columns(rows)
    figures = [name for name in rows.columns if name not in (*cell, "seed", "run")]
    long = rows.with_columns(pl.col(figures).cast(pl.Float64)).unpivot(figures, index=cell, variable_name="figure")
    found = long.group_by([*cell, "figure"], maintain_order=True).agg(
        mean=pl.col("value").mean(), error=pl.col("value").std() / pl.len().sqrt(), runs=pl.len()
    )
    runs = found["runs"].to_numpy()
    half = found["error"].to_numpy() * np.where(
        runs > 1, stdtrit(np.maximum(runs - 1, 1), (1 + CONFIDENCE) / 2), np.nan
    )
    share = pl.col("figure").is_in(_SHARES)
    return (
        found.drop("error")
        .with_columns(half=pl.Series(half))
        .with_columns(low=pl.col("mean") - pl.col("half"), high=pl.col("mean") + pl.col("half"))
        .with_columns(
            low=pl.when(share).then(pl.col("low").clip(lower_bound=0)).otherwise("low"),
            high=pl.when(share).then(pl.col("high").clip(upper_bound=1)).otherwise("high"),
        )
        .drop("half")
    )
