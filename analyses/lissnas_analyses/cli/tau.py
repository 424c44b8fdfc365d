"""`lissnas tau`: how well predictors rank the networks of a benchmark."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import shrinker_class
from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.options import BenchmarkName, Dataset, MethodName, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.shared.terminal import prefixed, progress

_SEVERAL = Parameter(consume_multiple=True, negative=(), show_default=False)


@json_command
def tau(
    benchmark: BenchmarkName,
    /,
    *,
    predictor: Annotated[tuple[str, ...], _SEVERAL] = (),
    column: Annotated[tuple[str, ...], _SEVERAL] = (),
    subspace: Annotated[tuple[Path, ...], _SEVERAL] = (),
    method: Annotated[tuple[MethodName, ...], _SEVERAL] = (),
    top: Annotated[tuple[float, ...], Parameter(consume_multiple=True, negative=())] = (0.2,),
    sample: int = 500,
    draws: int = 1000,
    precision_at: float = 0.05,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="Number of seeds with which samples are drawn and spaces are shrunk.")] = 3,
    out: Out = None,
) -> AnalysisResult:
    """Measure how well predictors rank networks: in the full space, in samples, in shrunk spaces, in the true top.

    The scores that the benchmark reports are the truth. All predictors are measured on the same networks: those that
    have all scores. Writes tables and figures to results/BENCHMARK/tau unless --out names another folder.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    predictor
        Scores in a Parquet, CSV or JSON file: FILE, FILE:COLUMN, or FILE:-COLUMN if lower is better. The file names
        architectures in a column of official strings, in columns gene0, gene1, ..., or in a column official-index.
    column
        A measure of the benchmark itself, as METRIC/SPLIT/EPOCHS/SEED, for example accuracy/validation/12; start with
        a minus if lower is better.
    subspace
        A subspace that 'lissnas shrink' saved.
    method
        A method that shrinks the space once per seed; default: lissnas, unless --subspace is given.
    top
        A true top share to measure on.
    sample
        Number of networks in a random sample.
    draws
        Number of bootstrap draws of an interval.
    precision_at
        Top share for the precision: which part of the predicted top is in the true top.
    """
    from lissnas.subspaces import subspace_file

    from lissnas_analyses.ranking.describe import INTERVALS, add_ranking, ranking_sentences
    from lissnas_analyses.ranking.evaluation_sets import set_of_subspace, sets_shrunk_by
    from lissnas_analyses.ranking.measure import TauSettings, measure
    from lissnas_analyses.ranking.predictors import collect_predictors
    from lissnas_analyses.results.folder import Results, benchmark_entries

    if runs < 1 or draws < 0:
        raise SettingError(f"--runs must be at least 1 and --draws at least 0, not {runs} and {draws}")
    results = Results(out or default_folder(benchmark) / "tau", "tau")
    opened = open_benchmark(benchmark, dataset, metric)
    predictors = collect_predictors(opened, predictor, column)
    settings = TauSettings(top, sample, runs, seed, draws, precision_at)
    shrunk = [set_of_subspace(subspace_file.load(path, opened.space)[0], str(path)) for path in dict.fromkeys(subspace)]
    shrinkers = method or (() if subspace else ("lissnas",))
    with progress() as report:
        for name in shrinkers:
            for run, shrunk_space in enumerate(sets_shrunk_by(opened, name, runs, seed)):
                report(f"shrinking by {name}", run / runs)
                shrunk.append(shrunk_space)
        tau_result = measure(opened, predictors, shrunk, settings, prefixed(report, benchmark))
        add_ranking(tau_result, opened, settings, results, report)
    sources = {"predictors": list(predictor), "columns": list(column), "subspaces": list(map(str, subspace))}
    matched = dict.fromkeys(one.matched for one in predictors if one.matched)
    findings = (*matched, *ranking_sentences(tau_result))
    defaults = {name: asdict(cast(Any, shrinker_class(name)())) for name in shrinkers}
    entries = benchmark_entries(opened, methods=shrinkers)
    results.save(entries, sources | {"methods": defaults} | asdict(settings), findings)
    return print_analysis(opened, findings, results, INTERVALS)
