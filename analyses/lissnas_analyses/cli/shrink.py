"""`lissnas shrink`: one method on one benchmark; the resulting subspace is saved to a file."""

from dataclasses import asdict
from typing import Annotated, Any, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import Shrinker, shrinker_class
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.predictor_file import read_predictor
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter

from lissnas_analyses.cli.command_results import ShrinkageResult
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.method_options import call_with_settings
from lissnas_analyses.cli.options import (
    BenchmarkName,
    Dataset,
    Evaluator,
    Limits,
    Method,
    Metric,
    Out,
    Seed,
    default_folder,
)
from lissnas_analyses.cli.terminal import counted, say, trace_notes


@json_command
def shrink(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Method = "lissnas",
    dataset: Dataset = None,
    metric: Metric = None,
    limit: Limits = (),
    evaluator: Evaluator = None,
    seed: Seed = 0,
    out: Out = None,
) -> ShrinkageResult:
    """Shrink a benchmark's space, and save what is kept to a file that loads again.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    import numpy as np
    from lissnas.shrinkers.shrink import shrink as run
    from lissnas.statistics.quality import quality
    from lissnas.subspaces import subspace_file
    from lissnas.subspaces.subspace import ExplicitSubspace

    from lissnas_analyses.cli.limits import limited_space
    from lissnas_analyses.results.folder import make_folder

    shrinker = _parsed(method, method_settings)
    folder = out or default_folder(benchmark)
    make_folder(folder)
    if isinstance(find_adapter(benchmark), SurrogateAdapter):
        from lissnas_analyses.cli.shrink_surrogate import shrink_predicted

        for option, given in (("dataset", dataset), ("metric", metric), ("limit", limit), ("evaluator", evaluator)):
            if given:
                raise SettingError(f"{benchmark} predicts one accuracy of every network: it takes no --{option}")
        return shrink_predicted(benchmark, method, shrinker, seed, folder)
    opened = open_benchmark(benchmark, dataset, metric)
    if evaluator is not None:
        opened = opened.selected_by(read_predictor(evaluator, opened.space))
    space, report = opened.space, opened.report
    if limit:
        space = limited = limited_space(opened, limit)
        report = report[limited.whole_index(np.arange(limited.size))]
    trace = run(space, opened.evaluator, shrinker, np.random.default_rng(seed))
    kept = trace.subspace
    if limit:
        kept = ExplicitSubspace(opened.space, limited.whole_index(kept.index))
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "dataset": opened.dataset, "selected_by": opened.selects.describe()}
    spent = {"limits": list(limit), "seed": seed, "evaluations": trace.evaluations.count}
    subspace_file.save(kept, path, origin | {"method": method, "settings": asdict(cast(Any, shrinker))} | spent)
    judged = quality(trace.subspace, report)
    say(
        f"{benchmark}, {opened.dataset}: {method} keeps {judged.size:,} of {space.size:,} networks "
        f"after {counted(len(trace.rounds) - 1, 'round')} and {counted(trace.evaluations.count, 'evaluation')}"
    )
    say(opened.roles, indent=2)
    if limit:
        say(f"{space.size:,} of {opened.space.size:,} networks meet {' and '.join(limit)}", indent=2)
    notes = trace_notes(trace)
    for note in notes:
        say(note, indent=2)
    say(
        f"mean {judged.mean:.2f} {opened.unit}, best {judged.best:.2f} {opened.unit}, "
        f"{counted(judged.pockets, 'pocket')}",
        indent=2,
    )
    say(f"recall of the top 1 % {judged.recall_1:.2f}, of the top 5 % {judged.recall_5:.2f}", indent=2)
    say(str(path), indent=2)
    return ShrinkageResult(
        benchmark=benchmark,
        dataset=opened.dataset,
        method=method,
        settings=asdict(cast(Any, shrinker)),
        selected_by=opened.selects.describe(),
        reported_by=opened.reports.describe(),
        networks=space.size,
        size_at_least=judged.size,
        size_at_most=judged.size,
        limits=limit,
        rounds=len(trace.rounds) - 1,
        evaluations=trace.evaluations.count,
        notes=notes,
        quality=judged,
        predicted=None,
        file=path,
    )


def _parsed(method: str, tokens: tuple[str, ...]) -> Shrinker:
    """Return a method's settings from the options that the command itself does not know."""
    wanted = shrinker_class(method)

    def collect(*, settings: Annotated[wanted, Parameter(name="*")] = wanted()) -> Shrinker:  # type: ignore[valid-type]  # noqa: B008
        return settings

    return cast(Shrinker, call_with_settings("shrink", (method,), collect, tokens))
