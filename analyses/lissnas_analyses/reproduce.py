"""The main job: locality, shrinking and a map of the pockets of one benchmark."""

from functools import partial

from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.describe import ROWS, add_comparison, comparison_sentences
from lissnas_analyses.comparison.measure import ComparisonResult, compare
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.locality.describe import locality_sentences, run_locality
from lissnas_analyses.results.folder import Results, benchmark_entries

BENCHMARKS = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph", "nas-bench-macro")
"""The benchmarks of the main job; those whose data is not on this machine are left out."""


def reproduce(
    benchmark: Benchmark,
    results: Results,
    runs: int,
    seed: int,
    progress: ProgressCallback,
    workers: Workers = THIS_PROCESS,
) -> tuple[tuple[str, ...], ComparisonResult]:
    """Measure the locality of a benchmark, compare the default methods on it, and save all.

    Returns the findings in sentences, and the comparison.

    Parameters
    ----------
    benchmark, runs, seed
        What is run.
    results
        The folder of results. Its file of rows keeps the finished runs of the comparison.
    progress
        Progress callback.
    workers
        What computes the runs of the comparison.
    """
    locality = run_locality(benchmark, results, progress)
    progress("shrinking", 0)
    report = partial(progress, "shrinking")
    comparison = compare(benchmark, runs=runs, seed=seed, path=results.folder / ROWS, workers=workers, report=report)
    results.add_existing_file(ROWS)
    add_comparison(comparison, results, progress)
    findings = (*locality_sentences(locality), *comparison_sentences(comparison))
    settings = {"runs": runs, "seed": seed, "methods": comparison.settings}
    results.save(benchmark_entries(benchmark, methods=comparison.methods), settings, findings)
    return findings, comparison
