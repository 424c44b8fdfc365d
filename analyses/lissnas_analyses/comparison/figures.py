"""The figures of a comparison: each is a job of its own, so that workers draw them in parallel."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import fields
from typing import Any

import numpy as np
from lissnas.spaces.space import Indices
from lissnas.subspaces.subspace import ExplicitSubspace
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.draw_overview import draw_recall
from lissnas_analyses.comparison.across_benchmarks.overview import Overview
from lissnas_analyses.comparison.draw import draw_distributions, draw_paired, draw_rounds
from lissnas_analyses.comparison.draw_kept_space import draw_kept_spaces
from lissnas_analyses.comparison.draw_map import draw_map
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.message import CHANCE
from lissnas_analyses.comparison.pocket_map import lay_out
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.workers import Workers
from lissnas_analyses.results.folder import figure_files, table_files

Files = dict[str, bytes]
"""Contents of files by their names."""

_FIGURES: dict[str, Callable[[ComparisonResult], Figure]] = {
    "paired": draw_paired,
    "kept_space": draw_kept_spaces,
    "shrinking": draw_rounds,
    "distributions": draw_distributions,
}

_NOT_SENT = ("benchmark", "first_run")
"""The parts of a comparison that workers do not get: they open the benchmark, and only the map needs its subspaces."""


def start_figures(result: ComparisonResult, shown: Overview, workers: Workers) -> list[Future[Files]]:
    """Start to draw the figures of a comparison and its map, which also has a table; the slowest one starts first.

    Parameters
    ----------
    result
        The comparison.
    shown
        Its overview.
    workers
        What draws.
    """
    key = BenchmarkKey.of(result.benchmark)
    numbers = {field.name: getattr(result, field.name) for field in fields(result) if field.name not in _NOT_SENT}
    kept = dict(_kept_in_the_first_run(result))
    mapped = [workers.start(_map_files, key, kept, result.seed)] if kept else []
    names = [name for name in _FIGURES if name != "paired" or not result.paired.is_empty()]
    drawn = [workers.start(_figure_files, key, numbers, name) for name in names]
    return [workers.start(_recall_files, shown), *drawn, *mapped]


def _kept_in_the_first_run(result: ComparisonResult) -> Iterator[tuple[str, Indices]]:
    """Yield the methods on the map with the architectures that they kept; a method that kept all has no map."""
    methods = [method for method in result.first_run if method != CHANCE] or list(result.first_run)
    for method in methods:
        subspace = result.first_run[method][-1]
        if subspace.size < result.benchmark.space.size:
            yield method, subspace.index


def _recall_files(shown: Overview) -> Files:
    with style.house_style():
        return figure_files("recall", draw_recall(shown))


def _figure_files(key: BenchmarkKey, numbers: dict[str, Any], name: str) -> Files:
    """Return the files of one figure: the job of a worker."""
    result = ComparisonResult(benchmark=key.open(), first_run={}, **numbers)
    with style.house_style():
        return figure_files(name, _FIGURES[name](result))


def _map_files(key: BenchmarkKey, kept: dict[str, Indices], seed: int) -> Files:
    """Return the table and the figure of the map: the job of a worker."""
    benchmark = key.open()
    subspaces = {method: ExplicitSubspace(benchmark.space, index) for method, index in kept.items()}
    pocket_map = lay_out(benchmark, subspaces, np.random.default_rng(seed))
    with style.house_style():
        return table_files("map", pocket_map.architectures) | figure_files("map", draw_map(pocket_map))
