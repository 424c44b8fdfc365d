"""`lissnas compare`: several shrinking methods on one benchmark."""

from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.predictor_file import read_predictor

from lissnas_analyses.cli.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import (
    BenchmarkName,
    Dataset,
    Evaluator,
    Methods,
    Metric,
    Out,
    Runs,
    Seed,
    default_folder,
)
from lissnas_analyses.cli.terminal import prefixed, progress


@json_command
def compare(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    methods: Methods = ("lissnas", "operation-pruning", "random-subset"),
    evaluator: Evaluator = None,
    seed: Seed = 0,
    runs: Runs = 20,
    out: Out = None,
) -> AnalysisResult:
    """Shrink a benchmark with several methods, at equal evaluations and size, and compare what is kept.

    The results lie in results/BENCHMARK/comparison if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.ranking.describe import run_predictor_cost
    from lissnas_analyses.reproduce import comparison_sentences, run_comparison
    from lissnas_analyses.results.folder import Results

    results = Results(out or default_folder(benchmark) / "comparison", "compare")
    opened = own = open_benchmark(benchmark, dataset, metric)
    if evaluator is not None:
        opened = own.selected_by(read_predictor(evaluator, own.space))
    with progress() as report:
        found = run_comparison(opened, results, runs, seed, prefixed(report, benchmark), methods)
        findings = comparison_sentences(found)
        if evaluator is not None:
            findings += run_predictor_cost(opened, own, found, results, runs, seed, prefixed(report, benchmark))
    settings = {"seed": seed, "runs": runs, "methods": found.settings, "evaluator": evaluator}
    results.save_for_benchmark(opened, settings, findings, methods=methods)
    return print_analysis(opened, findings, results)
