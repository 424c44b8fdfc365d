"""Commands that study one benchmark: its locality, shrinking it, and how methods of shrinking compare."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.shrink import Settings, settings_class
from lissnas_benchmarks import catalog
from lissnas_benchmarks.predictor_file import read_predictor

from lissnas_analyses.commands.answer import answering
from lissnas_analyses.commands.answers import Missing, Reproduced, Shrunk, Studied, tell_study
from lissnas_analyses.commands.options import (
    BenchmarkName,
    Dataset,
    Evaluator,
    ImportName,
    Limits,
    Method,
    Methods,
    Metric,
    Out,
    Runs,
    Seed,
    default_folder,
)
from lissnas_analyses.commands.setting_words import read_words
from lissnas_analyses.commands.terminal import counted, notes_of, prefixed, progress, say
from lissnas_analyses.study import open_study


@answering
def reproduce(*, seed: Seed = 0, runs: Runs = 20, out: Path = Path("results")) -> Reproduced:
    """Do everything, for every benchmark that is there: locality, shrinking, a map of the pockets.

    Parameters
    ----------
    out
        Folder for the results: one folder in it for each benchmark.
    """
    from lissnas_analyses.reproduce import BENCHMARKS
    from lissnas_analyses.reproduce import reproduce as run
    from lissnas_analyses.results import Results

    studied: list[Studied] = []
    ready = [name for name in BENCHMARKS if catalog.is_ready(name)]
    for name in ready:
        results = Results(out / name, "reproduce")
        with progress() as report:
            study = open_study(name)
            findings = run(study, results, runs, seed, prefixed(report, name))
        studied.append(tell_study(study, findings, results))
    absent = sorted(set(BENCHMARKS) - set(ready))
    left_out = tuple(Missing(name, catalog.find(name).remedy) for name in absent)
    for one in left_out:
        say(f"{one.benchmark} was left out, its data is not here: {one.remedy}")
    return Reproduced(tuple(studied), left_out)


@answering
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
    from lissnas_analyses.results import Results

    results = Results(out or default_folder(benchmark) / "locality", "locality")
    study = open_study(benchmark, dataset, metric)
    with progress() as report:
        found = run_locality(study, results, prefixed(report, benchmark))
    findings = locality_sentences(found)
    results.manifest(study, {"seed": seed}, findings)
    return tell_study(study, findings, results)


@answering
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
) -> Studied:
    """Shrink a benchmark with several methods, at equal evaluations and size, and compare what is kept.

    The results lie in results/BENCHMARK/comparison if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.misled import run_contrast
    from lissnas_analyses.reproduce import comparison_sentences, run_comparison
    from lissnas_analyses.results import Results

    results = Results(out or default_folder(benchmark) / "comparison", "compare")
    study = own = open_study(benchmark, dataset, metric)
    if evaluator is not None:
        study = own.selected_by(read_predictor(evaluator, own.space))
    with progress() as report:
        found = run_comparison(study, results, runs, seed, prefixed(report, benchmark), methods)
        findings = comparison_sentences(found)
        if evaluator is not None:
            findings += run_contrast(study, own, found, results, runs, seed, prefixed(report, benchmark))
    settings = {"seed": seed, "runs": runs, "methods": found.settings, "evaluator": evaluator}
    results.manifest(study, settings, findings, methods=methods)
    return tell_study(study, findings, results)


@answering
def shrink(
    benchmark: ImportName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Method = "lissnas",
    dataset: Dataset = None,
    metric: Metric = None,
    limit: Limits = (),
    evaluator: Evaluator = None,
    seed: Seed = 0,
    out: Out = None,
) -> Shrunk:
    """Shrink a benchmark's space, and save what is kept to a file that loads again.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    import numpy as np
    from lissnas import subspace as subspaces
    from lissnas.quality import quality
    from lissnas.shrink import shrink as run

    from lissnas_analyses.commands.limits import limited_space
    from lissnas_analyses.results import make_folder

    settings = _parsed(method, method_settings)
    folder = out or default_folder(benchmark)
    make_folder(folder)
    if benchmark in catalog.surrogate_names():
        from lissnas_analyses.commands.predicted import shrink_predicted

        for option, given in (("dataset", dataset), ("metric", metric), ("limit", limit), ("evaluator", evaluator)):
            if given:
                raise SettingError(f"{benchmark} predicts one accuracy of every network: it takes no --{option}")
        return shrink_predicted(benchmark, method, settings, seed, folder)
    study = open_study(benchmark, dataset, metric)
    if evaluator is not None:
        study = study.selected_by(read_predictor(evaluator, study.space))
    space, report = study.space, study.report
    if limit:
        space = limited = limited_space(study, limit)
        report = report[limited.whole_index(np.arange(limited.size))]
    trace = run(space, study.evaluator, settings, np.random.default_rng(seed))
    kept = trace.subspace
    if limit:
        kept = subspaces.ExplicitSubspace(study.space, limited.whole_index(kept.index))
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "dataset": study.dataset, "selected_by": study.selects.describe()}
    spent = {"limits": list(limit), "seed": seed, "evaluations": trace.evaluations.count}
    subspaces.save(kept, path, origin | {"method": method, "settings": asdict(cast(Any, settings))} | spent)
    judged = quality(trace.subspace, report)
    say(
        f"{benchmark}, {study.dataset}: {method} keeps {judged.size:,} of {space.size:,} networks "
        f"after {counted(len(trace.rounds) - 1, 'round')} and {counted(trace.evaluations.count, 'evaluation')}"
    )
    say(study.roles, indent=2)
    if limit:
        say(f"{space.size:,} of {study.space.size:,} networks meet {' and '.join(limit)}", indent=2)
    notes = notes_of(trace)
    for note in notes:
        say(note, indent=2)
    say(
        f"mean {judged.mean:.2f} {study.unit}, best {judged.best:.2f} {study.unit}, "
        f"{counted(judged.pockets, 'pocket')}",
        indent=2,
    )
    say(f"recall of the top 1 % {judged.recall_1:.2f}, of the top 5 % {judged.recall_5:.2f}", indent=2)
    say(str(path), indent=2)
    return Shrunk(
        benchmark=benchmark,
        dataset=study.dataset,
        method=method,
        settings=asdict(cast(Any, settings)),
        selected_by=study.selects.describe(),
        reported_by=study.reports.describe(),
        networks=space.size,
        kept_at_least=judged.size,
        kept_at_most=judged.size,
        limits=limit,
        rounds=len(trace.rounds) - 1,
        evaluations=trace.evaluations.count,
        notes=notes,
        quality=judged,
        predicted=None,
        file=path,
    )


def _parsed(method: str, tokens: tuple[str, ...]) -> Settings:
    """Return a method's settings from the options that the command itself does not know."""
    wanted = settings_class(method)

    def collect(*, settings: Annotated[wanted, Parameter(name="*")] = wanted()) -> Settings:  # type: ignore[valid-type]  # noqa: B008
        return settings

    return cast(Settings, read_words("shrink", (method,), collect, tokens))
