"""The engine of every grid: compute the runs that a store of rows lacks, on any number of workers.

An analysis brings its grid points, and a task that turns some runs of them into rows. A row depends on its grid point,
the seed and the run alone, so the number and the order of workers change no bit.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

import polars as pl
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import Shrinker
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.row_store import SETTING_PREFIX, RowStore, open_row_store
from lissnas_analyses.grid.workers import Workers

_SECONDS_BETWEEN_WRITES = 0.5
"""Time between two writes of finished rows to disk: short, so that a killed process loses little."""

Row = dict[str, Any]


class GridPoint(Protocol):
    """One combination of a grid: everything that a run depends on, except the benchmark, the seed and the run."""

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that tell this grid point from others."""


Point = TypeVar("Point", bound=GridPoint)

Task = Callable[[BenchmarkKey, int, Sequence[tuple[Point, int]]], list[Row]]
"""Turns runs (grid point, number of the run) of a benchmark and seed into rows, one or more for each run.

A run without rows is not stored, and later calls compute it again.
"""


@dataclass(frozen=True)
class GridRows:
    """The rows of a grid.

    Attributes
    ----------
    rows
        All rows of the grid, sorted by the key columns of the store.
    computed
        Number of runs that were computed in this call; all others were in the store.
    stored
        Number of rows in the store, of this grid and of others.
    seconds
        Wall time of this call.
    """

    rows: pl.DataFrame
    computed: int
    stored: int
    seconds: float


def setting_columns(shrinker: Shrinker) -> dict[str, Any]:
    """Return the settings of a shrinker as columns of a row.

    A setting that may be a word is written as text. A setting that is None has no column.
    """
    words, settings = _settings_with_words(type(shrinker)), asdict(cast(Any, shrinker))
    return {
        f"{SETTING_PREFIX}{name}": str(value) if name in words else value
        for name, value in settings.items()
        if value is not None
    }


def run_grid(
    task: Task[Point],
    benchmark: Benchmark,
    points: Sequence[Point],
    runs: int,
    seed: int,
    point_columns: Mapping[str, pl.DataType],
    row_columns: Sequence[str] = (),
    *,
    path: Path | None,
    workers: Workers,
    report: Callable[[float], None],
    runs_per_job: int = 1,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> GridRows:
    """Compute the runs of a grid that the file of rows lacks, and return all rows of the grid.

    Parameters
    ----------
    task
        A function at the top level of a module, so that workers can import it.
    benchmark
        What is studied.
    points, runs, seed
        The grid: every point has runs 0 to `runs` - 1.
    point_columns, row_columns
        As in `RowStore`.
    path
        The Parquet file of rows that earlier calls computed; None for no file. Finished rows stay in it if this call is
        interrupted.
    workers
        What computes.
    report
        Progress callback: it gets the share of the missing runs that are done.
    runs_per_job
        Number of runs that a worker computes at a time. The points of one run follow each other.
    settings
        What else the rows depend on; rows of other settings are refused.

    Raises
    ------
    SettingError
        If `runs` is below 1.
    LissnasError
        If the file has rows of other data, or another process writes to it.
    """
    if runs < 1:
        raise SettingError(f"the number of runs must be at least 1, not {runs}")
    started, key = time.monotonic(), BenchmarkKey.of(benchmark)
    with open_row_store(path, replace(key.identity(), settings=settings), point_columns, row_columns) as store:
        missing = list(_missing(store, points, runs, seed))
        chunks = (missing[at : at + runs_per_job] for at in range(0, len(missing), runs_per_job))
        jobs = ((key, seed, chunk) for chunk in chunks)
        done, unwritten, written_at = 0, list[Row](), time.monotonic()
        try:
            for (_, _, chunk), rows in workers.each(task, jobs) if missing else ():
                unwritten += rows
                done += len(chunk)
                report(done / len(missing))
                if time.monotonic() - written_at > _SECONDS_BETWEEN_WRITES:
                    store.append(unwritten)
                    unwritten, written_at = [], time.monotonic()
        finally:
            if unwritten:
                store.append(unwritten)
            stored = store.merge()
    rows_of_grid = _select(stored, points, runs, seed, point_columns)
    return GridRows(rows_of_grid, len(missing), stored.height, time.monotonic() - started)


def _missing(store: RowStore, points: Sequence[Point], runs: int, seed: int) -> Iterator[tuple[Point, int]]:
    """Yield the runs that the store lacks, the points of a run one after the other: they may share work."""
    stored_runs = store.runs_by_point()
    done = [stored_runs.get(_key(point, seed), set()) for point in points]
    for run in range(runs):
        for point, known in zip(points, done, strict=True):
            if run not in known:
                yield point, run


def _key(point: GridPoint, seed: int) -> frozenset[tuple[str, Any]]:
    return frozenset((name, value) for name, value in (point.columns | {"seed": seed}).items() if value is not None)


def _select(
    stored: pl.DataFrame, points: Sequence[GridPoint], runs: int, seed: int, types: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Return the rows of a grid, without the columns of settings that none of its methods has."""
    if stored.is_empty():  # a task may return no row for a run that fails
        return stored
    grid = pl.DataFrame([point.columns for point in points], infer_schema_length=None)
    grid = grid.cast({name: kind for name, kind in types.items() if name in grid.columns})
    absent = [name for name in stored.columns if name.startswith(SETTING_PREFIX) and name not in grid.columns]
    rows = stored.filter((pl.col("seed") == seed) & (pl.col("run") < runs))
    rows = rows.filter(pl.all_horizontal(pl.col(name).is_null() for name in absent)) if absent else rows
    grid = grid.cast({name: stored.schema[name] for name in grid.columns})
    return rows.join(grid, on=grid.columns, how="semi", nulls_equal=True).drop(absent)


@cache
def _settings_with_words(shrinker: type) -> frozenset[str]:
    """Return which settings have words among their values, as radius has "measured"."""
    hints = get_type_hints(shrinker)
    return frozenset(
        name for name, hint in hints.items() if any(get_origin(kind) is Literal for kind in (hint, *get_args(hint)))
    )
