"""The main job: locality, shrinking and a map of the pockets of one benchmark."""

from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.describe import comparison_sentences, run_comparison
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.locality.describe import locality_sentences, run_locality
from lissnas_analyses.results.folder import Results

BENCHMARKS = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph", "nas-bench-macro")
"""The benchmarks of the main job; those whose data is not on this machine are left out."""


def reproduce(
    benchmark: Benchmark,
    results: Results,
    runs: int,
    seed: int,
    progress: ProgressCallback,
    workers: Workers = THIS_PROCESS,
) -> tuple[str, ...]:
    """Measure the locality of a benchmark, compare the default methods on it, and save all; return the findings.

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
    comparison = run_comparison(benchmark, results, runs, seed, progress, workers=workers)
    findings = (*locality_sentences(locality), *comparison_sentences(comparison))
    settings = {"runs": runs, "seed": seed, "methods": comparison.settings}
    results.save_for_benchmark(benchmark, settings, findings, methods=comparison.methods)
    return findings
