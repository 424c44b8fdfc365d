"""Measure, draw and describe the locality of one benchmark, and add tables and figures to its folder of results."""

from concurrent.futures import Future

import polars as pl
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.locality.draw import draw_locality, draw_optima
from lissnas_analyses.locality.measure import LocalityResult, measure
from lissnas_analyses.results.folder import Results, figure_files

INTERVALS = "95 % interval, for a space with other networks of the same kind"
"""What the brackets in the sentences are."""


_FIGURES = {"locality": draw_locality, "optima": draw_optima}


def run_locality(benchmark: Benchmark, results: Results, progress: ProgressCallback) -> LocalityResult:
    """Return the locality of a benchmark, after adding its tables and figures to `results`."""
    progress("measuring locality", 0)
    locality = measure(benchmark)
    progress("measuring locality", 1)
    add_locality(locality, benchmark, results, progress)
    return locality


def add_locality(
    locality: LocalityResult,
    benchmark: Benchmark,
    results: Results,
    progress: ProgressCallback = lambda task, share: None,
) -> None:
    """Add the tables and figures of a benchmark's locality to `results`."""
    add_locality_tables(locality, results)
    progress("drawing locality", 0)
    for files in start_locality_figures(locality, BenchmarkKey.of(benchmark), THIS_PROCESS):
        results.add_files(files.result())
    progress("drawing locality", 1)


def add_locality_tables(locality: LocalityResult, results: Results) -> None:
    """Add the tables of a benchmark's locality to `results`."""
    results.add_table("locality", locality.by_distance)
    results.add_table("random_walk", locality.walk)
    results.add_table("distance_to_optimum", locality.to_optimum)
    results.add_table("local_optima", locality.optima)
    results.add_table("landscape", locality.summary)


def start_locality_figures(
    locality: LocalityResult, key: BenchmarkKey, workers: Workers
) -> list[Future[dict[str, bytes]]]:
    """Start to draw the figures of a benchmark's locality, each as a job of its own."""
    return [workers.start(_figure_files, locality, key, name) for name in _FIGURES]


def _figure_files(locality: LocalityResult, key: BenchmarkKey, name: str) -> dict[str, bytes]:
    with style.house_style():
        return figure_files(name, _FIGURES[name](locality, key.open()))


def locality_sentences(locality: LocalityResult) -> tuple[str, ...]:
    """Return the findings about the locality of a benchmark, in sentences."""
    at_distance_1 = locality.by_distance.filter(pl.col("distance") == 1)
    of_neighbors = {row["measure"]: row for row in at_distance_1.iter_rows(named=True)}
    top_rate, correlation = of_neighbors["P(top 1 %)"], of_neighbors["correlation"]
    reach = locality.statistic("share of starts that reach the global optimum")
    slope = locality.summary.row(by_predicate=pl.col("statistic") == "fitness-distance correlation", named=True)
    return (
        f"a neighbor of a top-1 % network is in the top 1 % with probability {top_rate['value']:.3f} "
        f"[{top_rate['low']:.3f}, {top_rate['high']:.3f}] (chance: {top_rate['base']:.3f})",
        f"correlation of neighbors' accuracies {correlation['value']:.2f} "
        f"[{correlation['low']:.2f}, {correlation['high']:.2f}]; "
        "fitness-distance correlation {value:.2f} [{low:.2f}, {high:.2f}]".format_map(slope),
        f"{locality.statistic('local optima'):,.0f} local optima; steepest ascent reaches the global optimum from "
        f"{reach:.1%} of all starts; the top 1 % form {locality.statistic('pockets of the top 1 %'):,.0f} pockets",
    )
