"""`lissnas locality`: the locality of one benchmark."""

from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.command_results import Studied, tell_study
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import BenchmarkName, Dataset, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.terminal import prefixed, progress


@json_command
def locality(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    out: Out = None,
) -> Studied:
    """Measure and draw the locality of a benchmark. It is exact, so no seed changes it.

    The results lie in results/BENCHMARK/locality if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.reproduce import locality_sentences, run_locality
    from lissnas_analyses.results.folder import Results

    results = Results(out or default_folder(benchmark) / "locality", "locality")
    opened = open_benchmark(benchmark, dataset, metric)
    with progress() as report:
        found = run_locality(opened, results, prefixed(report, benchmark))
    findings = locality_sentences(found)
    results.manifest(opened, {"seed": seed}, findings)
    return tell_study(opened, findings, results)
