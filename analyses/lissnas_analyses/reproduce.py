"""The main job: locality, shrinking and a map of the pockets of one benchmark."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.across_benchmarks.overview import overview
from lissnas_analyses.comparison.describe import ROWS, add_tables, comparison_sentences
from lissnas_analyses.comparison.figures import Files, start_figures
from lissnas_analyses.comparison.measure import ComparisonResult, compare
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.locality.describe import add_locality_tables, locality_sentences, start_locality_figures
from lissnas_analyses.locality.measure import LocalityResult, measure
from lissnas_analyses.results.folder import Results, benchmark_entries

BENCHMARKS = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph", "nas-bench-macro")
"""The benchmarks of the main job; those whose data is not on this machine are left out."""


@dataclass(frozen=True)
class Reproduction:
    """A benchmark that is measured and whose figures workers may still draw.

    Attributes
    ----------
    comparison
        The default methods on the benchmark.
    locality, methods
        The findings in sentences: about the locality of the benchmark, and about the methods.
    results
        The folder of results.
    """

    comparison: ComparisonResult
    locality: tuple[str, ...]
    methods: tuple[str, ...]
    results: Results
    _settings: dict[str, object]
    _drawn: list[Future[Files]] = field(repr=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """All findings in sentences."""
        return self.locality + self.methods

    def save(self) -> None:
        """Wait for the figures, and write all results to their folder."""
        for files in self._drawn:
            self.results.add_files(files.result())
        entries = benchmark_entries(self.comparison.benchmark, methods=self.comparison.methods)
        self.results.save(entries, self._settings, self.findings)


def reproduce(
    benchmark: Benchmark,
    results: Results,
    runs: int,
    seed: int,
    progress: ProgressCallback,
    workers: Workers = THIS_PROCESS,
) -> Reproduction:
    """Measure the locality of a benchmark, compare the default methods on it, and start to draw.

    Parameters
    ----------
    benchmark, runs, seed
        What is run.
    results
        The folder of results. Its file of rows keeps the finished runs of the comparison.
    progress
        Progress callback.
    workers
        What measures and draws.
    """
    key, report = BenchmarkKey.of(benchmark), partial(progress, "shrinking")
    progress("shrinking", 0)
    started = workers.start(_locality, key)
    comparison = compare(benchmark, runs=runs, seed=seed, path=results.folder / ROWS, workers=workers, report=report)
    progress("measuring locality", 0)
    locality, shown = started.result(), overview([comparison])
    add_locality_tables(locality, results)
    results.add_existing_file(ROWS)
    add_tables(comparison, shown, results)
    drawn = start_figures(comparison, shown, workers) + start_locality_figures(locality, key, workers)
    settings = {"runs": runs, "seed": seed, "methods": comparison.settings}
    sentences = locality_sentences(locality), comparison_sentences(comparison)
    return Reproduction(comparison, *sentences, results, settings, drawn)


def _locality(key: BenchmarkKey) -> LocalityResult:
    return measure(key.open())
