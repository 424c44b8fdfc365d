"""`lissnas compare`: several shrinking methods on one benchmark."""

from functools import partial

from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cheap,
    Cluster,
    Dataset,
    Evaluator,
    Methods,
    Metric,
    NumberOfWorkers,
    Out,
    Runs,
    Seed,
    cheap_sentence,
    default_folder,
    with_cheap,
)
from lissnas_analyses.cli.shared.terminal import prefixed, progress
from lissnas_analyses.comparison.measure import METHODS


@json_command
def compare(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Dataset = None,
    metric: Metric = None,
    methods: Methods = METHODS,
    evaluator: Evaluator = None,
    cheap: Cheap = (),
    seed: Seed = 0,
    runs: Runs = 20,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AnalysisResult:
    """Shrink a benchmark with several methods, at equal evaluations and size, and compare the kept spaces.

    Finished runs are kept: after an interrupt the same command continues, and more runs or methods compute only what
    is missing. The results are in results/BENCHMARK/comparison by default.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.comparison.describe import INTERVALS, ROWS, add_comparison, comparison_sentences
    from lissnas_analyses.comparison.measure import compare as run
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.ranking.describe import run_predictor_cost
    from lissnas_analyses.ranking.score_sources import read_one_score
    from lissnas_analyses.results.folder import Results, benchmark_entries

    results = Results(out or default_folder(benchmark) / "comparison", "compare")
    opened = by_benchmark = open_benchmark(benchmark, dataset, metric)
    matched: tuple[str, ...] = ()
    if evaluator is not None:
        predictor = read_one_score(evaluator, by_benchmark)
        opened, matched = by_benchmark.selected_by(predictor), (predictor.matched,)
    opened = with_cheap(opened, cheap, methods)
    with start_workers(workers, cluster) as started, progress() as report:
        on_benchmark = prefixed(report, benchmark)
        on_benchmark("shrinking", 0)
        report_share = partial(on_benchmark, "shrinking")
        result = run(opened, methods, runs, seed, path=results.folder / ROWS, workers=started, report=report_share)
        results.add_existing_file(ROWS)
        add_comparison(result, results, on_benchmark)
        findings = matched + comparison_sentences(result) + ((cheap_sentence(opened),) if cheap else ())
        if evaluator is not None:
            findings += run_predictor_cost(opened, by_benchmark, result, results, runs, seed, on_benchmark, started)
    settings = {"seed": seed, "runs": runs, "methods": result.settings, "evaluator": evaluator, "cheap": list(cheap)}
    results.save(benchmark_entries(opened, methods=result.methods), settings, findings)
    return print_analysis(opened, findings, results, INTERVALS)
