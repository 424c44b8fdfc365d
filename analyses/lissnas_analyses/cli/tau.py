"""`lissnas tau`: how well predictors rank the networks of a benchmark."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import SettingError
from lissnas.predictors.predictor import predictor_class, predictor_names
from lissnas.shrinkers.shrink import shrinker_class
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cluster,
    Dataset,
    Form,
    MethodName,
    Metric,
    NumberOfWorkers,
    Out,
    Seed,
    default_folder,
)
from lissnas_analyses.cli.shared.terminal import prefixed, progress

if TYPE_CHECKING:
    PredictorName = str
else:
    PredictorName = Literal[predictor_names()]

_SEVERAL = Parameter(consume_multiple=True, negative=(), show_default=False)


@json_command
def tau(
    benchmark: BenchmarkName,
    /,
    *,
    predictor: Annotated[
        tuple[str, ...],
        Parameter(name=("--predictor", "--cheap"), consume_multiple=True, negative=(), show_default=False),
    ] = (),
    column: Annotated[tuple[str, ...], _SEVERAL] = (),
    subspace: Annotated[tuple[Path, ...], _SEVERAL] = (),
    method: Annotated[tuple[MethodName, ...], _SEVERAL] = (),
    top: Annotated[tuple[float, ...], _SEVERAL] = (),
    sample: int | None = None,
    draws: int | None = None,
    precision_at: float | None = None,
    form: Form = OFFICIAL,
    model: Annotated[tuple[PredictorName, ...], _SEVERAL] = (),
    train: Annotated[tuple[int, ...], _SEVERAL] = (),
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: int | None = None,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AnalysisResult:
    """Measure how well predictors rank networks: in the full space, in samples, in shrunk spaces, in the true top.

    The scores that the benchmark reports are the truth. All predictors are measured on the same networks: those that
    have all scores. Writes tables and figures to results/BENCHMARK/tau unless --out names another folder.

    With --model, measure models that learn: each is fitted to the selection scores of random networks and ranks all
    others. The results are in results/BENCHMARK/predictors. Finished runs are kept, so the same command continues after
    an interrupt.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    predictor
        Scores in a Parquet, CSV or JSON file: FILE, FILE:COLUMN, or FILE:-COLUMN if lower is better. The file names
        architectures in a column of official strings, in columns gene0, gene1, ..., or in a column official-index. Or
        the scores of another benchmark on the same architectures: NAME, NAME-DATASET, or NAME:METRIC/SPLIT/EPOCHS.
    column
        A measure of the benchmark itself, as METRIC/SPLIT/EPOCHS/SEED, for example accuracy/validation/12; start with
        a minus if lower is better.
    subspace
        A subspace that 'lissnas shrink' saved.
    method
        A method that shrinks the space once per seed; default: lissnas, unless --subspace is given.
    top
        A true top share to measure on; default: 0.2.
    sample
        Number of networks in a random sample; default: 500, or no sample if fewer have scores.
    draws
        Number of bootstrap draws of an interval; default: 1000.
    precision_at
        Top share for the precision: which part of the predicted top is in the true top; default: 0.05, with --model
        0.01.
    model
        A model that learns from the scores of a few networks.
    train
        Numbers of random networks that a model learns from; default: 78 156.
    runs
        Number of seeds with which samples are drawn and spaces are shrunk; default: 3. With --model, number of random
        training sets; default: 20.
    """
    if model:
        ranked = {"predictor": predictor, "column": column, "subspace": subspace, "method": method}
        for name, given in (ranked | {"top": top, "sample": sample, "draws": draws}).items():
            if given not in ((), None):
                raise SettingError(f"--model measures models that learn: leave out --{name}, or --model")
        opened = open_benchmark(benchmark, dataset, metric)
        folder = out or default_folder(benchmark) / "predictors"
        return _measure_models(opened, model, train, runs, precision_at, seed, folder, workers, cluster)
    import numpy as np
    from lissnas.subspaces import subspace_file

    from lissnas_analyses.ranking.describe import INTERVALS, add_ranking, ranking_sentences
    from lissnas_analyses.ranking.evaluation_sets import set_of_subspace, sets_shrunk_by
    from lissnas_analyses.ranking.measure import MIN_NETWORKS, SAMPLE, TauSettings, have_all_scores, measure
    from lissnas_analyses.ranking.predictors import collect_predictors
    from lissnas_analyses.results.folder import Results, benchmark_entries

    if workers is not None or cluster is not None:
        raise SettingError("--workers and --cluster divide the runs of models: name a --model, or leave them out")
    if train:
        raise SettingError("--train says how many networks a model learns from: name a --model, or leave it out")
    defaults = TauSettings()
    draws = defaults.draws if draws is None else draws
    runs = 3 if runs is None else runs
    precision_at = 0.05 if precision_at is None else precision_at
    if runs < 1 or draws < 0:
        raise SettingError(f"--runs must be at least 1 and --draws at least 0, not {runs} and {draws}")
    results = Results(out or default_folder(benchmark) / "tau", "tau")
    opened = open_benchmark(benchmark, dataset, metric)
    predictors = collect_predictors(opened, predictor, column, form)
    scored = have_all_scores(opened, predictors)
    count = int(scored.sum())
    too_large = []  # sets that nobody asked for and that cannot be measured
    if sample is None:
        sample = SAMPLE if count >= SAMPLE else None
        too_large += [] if sample else [f"a sample of {SAMPLE}"]
    if not top:
        top = defaults.tops if defaults.tops[0] * count >= MIN_NETWORKS else ()
        too_large += [] if top else [f"the true top {defaults.tops[0]:.0%}"]
    settings = TauSettings(top, sample, runs, seed, draws, precision_at)
    shrunk = [set_of_subspace(subspace_file.load(path, opened.space)[0], str(path)) for path in dict.fromkeys(subspace)]
    shrinkers = method or (() if subspace else ("lissnas",))
    with progress() as report:
        is_default, why = not method and not subspace, ""
        for name in shrinkers:
            try:
                for run, shrunk_space in enumerate(sets_shrunk_by(opened, name, runs, seed)):
                    report(f"shrinking by {name}", run / runs)
                    shrunk.append(shrunk_space)
            except SettingError as error:
                if not is_default:
                    raise
                why = f" ({error})"
        members = [np.count_nonzero(one.choose(opened.report) & scored) for one in shrunk]
        if is_default and min(members, default=0) < MIN_NETWORKS:
            too_large.append(f"the space shrunk by lissnas{why}")
            shrunk = []
        tau_result = measure(opened, predictors, shrunk, settings, prefixed(report, benchmark))
        add_ranking(tau_result, opened, settings, results, report)
    sources = {"predictors": list(predictor), "columns": list(column), "subspaces": list(map(str, subspace))}
    matched = dict.fromkeys(one.matched for one in predictors if one.matched)
    left_out = (
        [f"left out, because only {count:,} networks have all scores: {', '.join(too_large)}"] if too_large else []
    )
    findings = (*matched, *ranking_sentences(tau_result), *left_out)
    methods = {name: asdict(cast(Any, shrinker_class(name)())) for name in shrinkers}
    entries = benchmark_entries(opened, methods=shrinkers)
    results.save(entries, sources | {"methods": methods} | asdict(settings), findings)
    return print_analysis(opened, findings, results, INTERVALS)


def _measure_models(
    opened: Benchmark,
    models: tuple[str, ...],
    train: tuple[int, ...],
    runs: int | None,
    share: float | None,
    seed: int,
    folder: Path,
    workers: int | None,
    cluster: str | None,
) -> AnalysisResult:
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.prediction import describe
    from lissnas_analyses.prediction.measure import RUNS, SHARE, TRAIN, measure_predictors, named_fits
    from lissnas_analyses.results.folder import Results, benchmark_entries

    runs, share = RUNS if runs is None else runs, SHARE if share is None else share
    results = Results(folder, "tau --model")
    with start_workers(workers, cluster) as started, progress() as report:
        result = measure_predictors(
            opened,
            named_fits(models),
            train or TRAIN,
            runs,
            seed,
            share=share,
            path=folder / describe.ROWS,
            workers=started,
            report=lambda done: report("fitting predictors", done),
        )
        report("drawing", 0)
        results.add_existing_file(describe.ROWS)
        describe.add_predictors(result, results)
    findings = describe.predictor_sentences(result)
    predictors = {name: asdict(cast(Any, predictor_class(name)())) for name in result.predictors}
    settings = {"methods": predictors, "train": list(result.train), "runs": runs, "share": share, "seed": seed}
    results.save(benchmark_entries(opened, methods=result.predictors), settings, findings)
    return print_analysis(opened, findings, results, describe.INTERVALS)
