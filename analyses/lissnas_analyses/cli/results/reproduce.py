"""`lissnas reproduce`: locality, shrinking and a map of the pockets for every benchmark whose data is here."""

from dataclasses import dataclass
from pathlib import Path

from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import is_ready

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, analysis_result, say_intervals
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import Cluster, NumberOfWorkers, Runs, Seed
from lissnas_analyses.cli.shared.terminal import prefixed, progress, say, table_width


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

    A benchmark's table is printed as soon as it is measured; figures are drawn meanwhile. The figure and the table in
    OUT/overview compare the methods on all benchmarks. Finished runs are kept: after an
    interrupt the same command continues, and more runs compute only what is missing.

    Parameters
    ----------
    out
        Folder for the results: one folder in it for each benchmark, and one for the overview.
    """
    from lissnas_analyses.comparison.across_benchmarks.overview import optimism
    from lissnas_analyses.comparison.across_benchmarks.tables import benchmark_table, method_table
    from lissnas_analyses.comparison.describe import INTERVALS, budget_sentence, save_overview
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.locality.describe import INTERVALS as INTERVALS_OF_LOCALITY
    from lissnas_analyses.reproduce import BENCHMARKS, Reproduction
    from lissnas_analyses.reproduce import reproduce as run
    from lissnas_analyses.results.folder import Results

    done: list[Reproduction] = []
    ready = [name for name in BENCHMARKS if is_ready(name)]
    analyses: list[AnalysisResult] = []
    verdict = ""
    with start_workers(workers, cluster) as started:
        for name in ready:
            results = Results(out / name, "reproduce")
            with progress() as report:
                opened = open_benchmark(name)
                done.append(run(opened, results, runs, seed, prefixed(report, name), started))
            say(str(opened).removeprefix(name), bold=name)
            for line in (*method_table(done[-1].comparison, table_width(2)), *done[-1].locality):
                say(line, indent=2)
        if done:
            shown, verdicts, _ranks = save_overview([one.comparison for one in done], out / "overview")
            verdict = " ".join(verdicts)
            for line in (*benchmark_table(shown, table_width()), verdict, *optimism(shown)):
                say(line)
            say(budget_sentence(done[0].comparison))
            locality = INTERVALS_OF_LOCALITY.removeprefix("95 % interval, ")
            say_intervals(f"{INTERVALS}; of locality {locality}", indent=0)
        with progress() as report:
            for number, one in enumerate(done):
                report("drawing", number / len(done))
                one.save()
                found = one.comparison
                analyses.append(analysis_result(found.benchmark, one.findings, one.results, found.counted))
    if done:
        say(f"figures, tables and manifests: {out}/; one page of them: lissnas report {out}")
    absent = sorted(set(BENCHMARKS) - set(ready))
    left_out = tuple(MissingBenchmark(name, find_adapter(name).remedy) for name in absent)
    for one_left_out in left_out:
        say(f"{one_left_out.benchmark} was left out, its data is not here: {one_left_out.remedy}")
    return ReproductionResult(tuple(analyses), verdict, left_out)
