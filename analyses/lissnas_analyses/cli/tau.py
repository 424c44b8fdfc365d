"""The command that measures how well predictors rank a benchmark's networks."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import shrinker_class
from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import BenchmarkName, Dataset, MethodName, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.terminal import prefixed, progress


@json_command
def tau(
    benchmark: BenchmarkName,
    /,
    *,
    predictor: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    column: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    subspace: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())] = (),
    method: Annotated[tuple[MethodName, ...], Parameter(consume_multiple=True, negative=())] = (),
    top: Annotated[tuple[float, ...], Parameter(consume_multiple=True, negative=())] = (0.2,),
    sample: int = 500,
    draws: int = 1000,
    precision_at: float = 0.05,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="With how many seeds to draw samples and to shrink.")] = 3,
    out: Out = None,
) -> AnalysisResult:
    """Measure how well predictors rank networks: the whole space, samples, shrunk spaces, the true top.

    What is true is what the benchmark reports; all predictors are measured on the networks that have all scores. The
    results lie in results/BENCHMARK/tau if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    predictor
        Scores in a Parquet or CSV file: FILE, FILE:COLUMN, or FILE:-COLUMN where lower is better. It names
        architectures by a column of official strings, or by columns gene0, gene1, ...
    column
        A measure of the benchmark itself, as METRIC/SPLIT/EPOCHS/SEED, such as accuracy/validation/12; a minus before
        it where lower is better.
    subspace
        A space that 'lissnas shrink' has saved.
    method
        A method that shrinks the space anew with each seed; by default LISSNAS, if no subspace is named.
    top
        A true top share that is a set of its own.
    sample
        How many networks a random sample holds.
    draws
        How many bootstrap draws an interval rests on.
    precision_at
        The predicted top share of which precision says how much is in the true one.
    """
    from lissnas.subspaces import subspace_file

    from lissnas_analyses.ranking.describe import add_ranking, ranking_sentences
    from lissnas_analyses.ranking.evaluation_sets import set_of_subspace, sets_shrunk_by
    from lissnas_analyses.ranking.measure import TauSettings, measure
    from lissnas_analyses.ranking.predictors import collect_predictors
    from lissnas_analyses.results.folder import Results

    if runs < 1 or draws < 0:
        raise SettingError(f"there must be at least one run and no fewer than 0 draws, not {runs} and {draws}")
    results = Results(out or default_folder(benchmark) / "tau", "tau")
    opened = open_benchmark(benchmark, dataset, metric)
    predictors = collect_predictors(opened, predictor, column)
    settings = TauSettings(top, sample, runs, seed, draws, precision_at)
    shrunk = [set_of_subspace(subspace_file.load(path, opened.space)[0], str(path)) for path in dict.fromkeys(subspace)]
    shrinkers = method or (() if subspace else ("lissnas",))
    with progress() as report:
        for name in shrinkers:
            for run, kept in enumerate(sets_shrunk_by(opened, name, runs, seed)):
                report(f"shrinking by {name}", run / runs)
                shrunk.append(kept)
        tau_result = measure(opened, predictors, shrunk, settings, prefixed(report, benchmark))
        add_ranking(tau_result, opened, settings, results, report)
    named = {"predictors": list(predictor), "columns": list(column), "subspaces": list(map(str, subspace))}
    findings = ranking_sentences(tau_result)
    defaults = {name: asdict(cast(Any, shrinker_class(name)())) for name in shrinkers}
    results.save_for_benchmark(opened, named | {"methods": defaults} | asdict(settings), findings, methods=shrinkers)
    return print_analysis(opened, findings, results)
