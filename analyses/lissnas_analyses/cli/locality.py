"""`lissnas locality`: the locality of one benchmark."""

from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.options import BenchmarkName, Dataset, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.shared.terminal import prefixed, progress


@json_command
def locality(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    out: Out = None,
) -> AnalysisResult:
    """Measure and draw the locality of a benchmark.

    The result is exact; it does not depend on the seed. Writes tables and figures to results/BENCHMARK/locality unless
    --out names another folder.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.locality.describe import INTERVALS, locality_sentences, run_locality
    from lissnas_analyses.results.folder import Results, benchmark_entries

    results = Results(out or default_folder(benchmark) / "locality", "locality")
    opened = open_benchmark(benchmark, dataset, metric)
    with progress() as report:
        locality_result = run_locality(opened, results, prefixed(report, benchmark))
    findings = locality_sentences(locality_result)
    results.save(benchmark_entries(opened), {"seed": seed}, findings)
    return print_analysis(opened, findings, results, INTERVALS)
