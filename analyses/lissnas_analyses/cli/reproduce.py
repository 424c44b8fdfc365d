"""`lissnas reproduce`: locality, shrinking and a map of the pockets for every benchmark whose data is here."""

from dataclasses import dataclass
from pathlib import Path

from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import is_ready

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis, say_intervals
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import Cluster, NumberOfWorkers, Runs, Seed
from lissnas_analyses.cli.shared.terminal import prefixed, progress, say


@dataclass(frozen=True)
class MissingBenchmark:
    """A benchmark whose data is not installed, and how to get it."""

    benchmark: str
    remedy: str


@dataclass(frozen=True)
class ReproductionResult(CommandResult):
    """The analyses of all benchmarks that are ready, and the benchmarks that are missing.

    Attributes
    ----------
    analyses
        The analysis of each benchmark.
    verdict
        Which method keeps the most of the best networks, at what cost, and where it does not; "" without a benchmark.
    missing
        The benchmarks whose data is not installed.
    """

    analyses: tuple[AnalysisResult, ...]
    verdict: str
    missing: tuple[MissingBenchmark, ...]


@json_command
def reproduce(
    *,
    seed: Seed = 0,
    runs: Runs = 10,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Path = Path("results"),
) -> ReproductionResult:
    """Measure locality, shrink, and draw a map of the pockets, for every benchmark whose data is here.

    The figure and the table in OUT/overview compare the methods on all benchmarks. Finished runs are kept: after an
    interrupt the same command continues, and more runs compute only what is missing.

    Parameters
    ----------
    out
        Folder for the results: one folder in it for each benchmark, and one for the overview.
    """
    from lissnas_analyses.comparison.describe import INTERVALS, save_overview
    from lissnas_analyses.comparison.measure import ComparisonResult
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.locality.describe import INTERVALS as INTERVALS_OF_LOCALITY
    from lissnas_analyses.reproduce import BENCHMARKS
    from lissnas_analyses.reproduce import reproduce as run
    from lissnas_analyses.results.folder import Results

    studied: list[AnalysisResult] = []
    comparisons: list[ComparisonResult] = []
    ready = [name for name in BENCHMARKS if is_ready(name)]
    with start_workers(workers, cluster) as started:
        for name in ready:
            results = Results(out / name, "reproduce")
            with progress() as report:
                opened = open_benchmark(name)
                findings, comparison = run(opened, results, runs, seed, prefixed(report, name), started)
            studied.append(print_analysis(opened, findings, results, counted=comparison.counted))
            comparisons.append(comparison)
    verdict = ""
    if comparisons:
        verdicts, _ranks = save_overview(comparisons, out / "overview")
        verdict = " ".join(verdicts)
        say(verdict)
        locality = INTERVALS_OF_LOCALITY.removeprefix("95 % interval, ")
        say_intervals(f"{INTERVALS}; of locality {locality}", indent=0)
    absent = sorted(set(BENCHMARKS) - set(ready))
    left_out = tuple(MissingBenchmark(name, find_adapter(name).remedy) for name in absent)
    for one in left_out:
        say(f"{one.benchmark} was left out, its data is not here: {one.remedy}")
    return ReproductionResult(tuple(studied), verdict, left_out)
