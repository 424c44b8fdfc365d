"""`lissnas shrink`: shrink the space of one benchmark with one method, and save the subspace to a file."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import Shrinker, shrinker_class
from lissnas.statistics.quality import Quality
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.method_options import call_with_settings
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cheap,
    Dataset,
    Evaluator,
    Form,
    Limits,
    Method,
    Metric,
    Out,
    Rule,
    Seed,
    cheap_sentence,
    default_folder,
    limited_space,
    with_cheap,
)
from lissnas_analyses.cli.shared.terminal import say
from lissnas_analyses.grid.rule_file import read_rule
from lissnas_analyses.sentences import counted, quality_sentences, shrinking_sentences, trace_notes

_SAMPLE_SIZE = 10_000
"""Number of networks, of the space and at most of the subspace, whose predictions judge a subspace of a surrogate."""


@dataclass(frozen=True)
class PredictedQuality:
    """Predictions for random networks of the subspace and of the space, by the surrogate that also selected.

    Attributes
    ----------
    subspace_samples, space_samples
        Number of networks of each.
    mean, best, space_mean, space_best
        Mean and maximum of their predictions, in the surrogate's unit.
    share_above_space_q99
        Share of the subspace's networks whose prediction is above the 99 % quantile of the space.
    """

    subspace_samples: int
    space_samples: int
    mean: float
    best: float
    space_mean: float
    space_best: float
    share_above_space_q99: float


@dataclass(frozen=True)
class ShrinkageResult(CommandResult):
    """A space that was shrunk, and the file of the subspace.

    Attributes
    ----------
    benchmark, dataset, method, settings
        What was shrunk, and how; `dataset` is None for a surrogate.
    selected_by, reported_by
        The scores that the method saw, and the scores that judge the subspace.
    networks
        Number of networks in the space, within the limits.
    size_at_least, size_at_most
        Bounds on the number of networks in the subspace; equal if the number is exact.
    limits
        Resource limits that all networks meet.
    cheap
        Cheap scores that the method used besides its evaluations.
    rounds, evaluations
        Number of rounds, and of distinct networks scored.
    notes
        Remarks of the method, such as why it stopped.
    quality
        Statistics of the subspace's reported scores; None for a surrogate.
    predicted
        Statistics of the subspace's predictions; None for a table.
    file
        The subspace, which `lissnas.subspaces.subspace_file.load` reads.
    """

    benchmark: str
    dataset: str | None
    method: str
    settings: dict[str, Any]
    selected_by: str
    reported_by: str
    networks: int
    size_at_least: int
    size_at_most: int
    limits: tuple[str, ...]
    cheap: tuple[str, ...]
    rounds: int
    evaluations: int
    notes: tuple[str, ...]
    quality: Quality | None
    predicted: PredictedQuality | None
    file: Path


@json_command
def shrink(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Method = "lissnas",
    rule: Rule = None,
    dataset: Dataset = None,
    metric: Metric = None,
    limit: Limits = (),
    evaluator: Evaluator = None,
    cheap: Cheap = (),
    form: Form = OFFICIAL,
    seed: Seed = 0,
    out: Out = None,
) -> ShrinkageResult:
    """Shrink the space of a benchmark, and save the subspace.

    Writes results/BENCHMARK/shrunk-METHOD.parquet unless --out names another folder.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    import numpy as np
    from lissnas.shrinkers.shrink import shrink as run
    from lissnas.shrinkers.two_fidelity_shrinkage import with_cheap_scores
    from lissnas.statistics.quality import quality
    from lissnas.subspaces import subspace_file
    from lissnas.subspaces.subspace import ExplicitSubspace

    from lissnas_analyses.ranking.score_sources import read_one_score
    from lissnas_analyses.results.folder import make_folder

    own_rule = None if rule is None else read_rule(rule)
    method = method if own_rule is None else own_rule.class_name
    settings_class = shrinker_class(method) if own_rule is None else own_rule.shrinker_class()
    shrinker = _shrinker(method, settings_class, method_settings)
    described = {"method": method, "rule": rule, "settings": asdict(cast(Any, shrinker))}
    explained = nullcontext() if own_rule is None else own_rule.explained()
    folder = out or default_folder(benchmark)
    make_folder(folder)
    if isinstance(find_adapter(benchmark), SurrogateAdapter):
        options = {"dataset": dataset, "metric": metric, "limit": limit, "evaluator": evaluator, "cheap": cheap}
        for option, value in options.items():
            if value:
                raise SettingError(f"{benchmark} is a surrogate with a single prediction: it takes no --{option}")
        with explained:
            return _shrink_surrogate(benchmark, described, shrinker, seed, folder)
    opened = open_benchmark(benchmark, dataset, metric)
    matched: tuple[str, ...] = ()
    if evaluator is not None:
        predictor = read_one_score(evaluator, opened, form)
        opened, matched = opened.selected_by(predictor), (predictor.matched,)
    opened = with_cheap(opened, cheap, (method,), form)
    space, report = opened.space, opened.report
    if limit:
        space = limited = limited_space(opened, limit)
        report = report[limited.full_space_index(np.arange(limited.size))]
    with_scores = with_cheap_scores(shrinker, opened.cheap_evaluators)
    with explained:
        trace = run(space, opened.evaluator, with_scores, np.random.default_rng(seed))
    subspace = trace.subspace
    if limit:
        subspace = ExplicitSubspace(opened.space, limited.full_space_index(subspace.index))
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "dataset": opened.dataset, "selected_by": opened.selects.describe()}
    options = {"metric": metric, "evaluator": evaluator}
    spent = {"limits": list(limit), "cheap": list(cheap), "seed": seed, "evaluations": trace.evaluations.count}
    subspace_file.save(subspace, path, origin | options | described | spent)
    statistics = quality(trace.subspace, report)
    limited_to = (f"{space.size:,} of {opened.space.size:,} networks meet {' and '.join(limit)}",) if limit else ()
    judged = quality_sentences(statistics, opened.unit)
    name = opened.subject
    matched += tuple(dict.fromkeys(one.matched for one in opened.cheap if one.matched))
    seen = (cheap_sentence(opened),) if cheap else ()
    _say(*shrinking_sentences(name, method, trace, opened.roles, limited_to + seen + matched, judged), str(path))
    return ShrinkageResult(
        benchmark=benchmark,
        dataset=opened.dataset,
        method=method,
        settings=asdict(cast(Any, shrinker)),
        selected_by=opened.selects.describe(),
        reported_by=opened.reports.describe(),
        networks=space.size,
        size_at_least=statistics.size,
        size_at_most=statistics.size,
        limits=limit,
        cheap=cheap,
        rounds=len(trace.rounds) - 1,
        evaluations=trace.evaluations.count,
        notes=matched + trace_notes(trace),
        quality=statistics,
        predicted=None,
        file=path,
    )


def _say(heading: str, *sentences: str) -> None:
    say(heading)
    for sentence in sentences:
        say(sentence, indent=2)


def _shrink_surrogate(
    benchmark: str, described: Mapping[str, Any], shrinker: Shrinker, seed: int, folder: Path
) -> ShrinkageResult:
    """Shrink the space of a surrogate, save the subspace, and compare random networks of subspace and space.

    The surrogate that selects also judges, so the result is optimistic.
    """
    import numpy as np
    from lissnas.shrinkers.shrink import shrink as run
    from lissnas.subspaces import subspace_file
    from lissnas_benchmarks.loading import load_surrogate

    evaluator, method = load_surrogate(benchmark), described["method"]
    space, quantity = evaluator.space, evaluator.surrogate.quantities[0]
    shrinking_rng, sampling_rng = np.random.default_rng(seed).spawn(2)
    trace = run(space, evaluator, shrinker, shrinking_rng)
    subspace = trace.subspace
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "selected_by": f"predicted {quantity.name}", **described}
    subspace_file.save(subspace, path, origin | {"seed": seed, "evaluations": trace.evaluations.count})
    least, most = subspace.size_bounds
    in_space = evaluator(space.sample(_SAMPLE_SIZE, sampling_rng))
    in_subspace = evaluator(subspace.sample(min(_SAMPLE_SIZE, least), sampling_rng))
    high = np.quantile(in_space, 0.99)
    share = float((in_subspace > high).mean())
    roles = f"selected and reported by the same predicted {quantity.name}: the surrogate has no other"
    judged = (
        f"mean {in_subspace.mean():.2f} {quantity.unit} of {counted(len(in_subspace), 'network')} in the subspace, "
        f"{in_space.mean():.2f} of {counted(len(in_space), 'network')} in the space; "
        f"best {in_subspace.max():.2f}, {in_space.max():.2f}",
        f"{share:.0%} of the subspace is predicted above 99 % of the space ({high:.2f} {quantity.unit})",
    )
    _say(*shrinking_sentences(benchmark, method, trace, roles, (), judged), str(path))
    extremes = float(in_subspace.max()), float(in_space.mean()), float(in_space.max())
    return ShrinkageResult(
        benchmark=benchmark,
        dataset=None,
        method=method,
        settings=asdict(cast(Any, shrinker)),
        selected_by=f"predicted {quantity.name}",
        reported_by=f"predicted {quantity.name}",
        networks=space.size,
        size_at_least=least,
        size_at_most=most,
        limits=(),
        cheap=(),
        rounds=len(trace.rounds) - 1,
        evaluations=trace.evaluations.count,
        notes=trace_notes(trace),
        quality=None,
        predicted=PredictedQuality(len(in_subspace), len(in_space), float(in_subspace.mean()), *extremes, share),
        file=path,
    )


def _shrinker(method: str, shrinker: type[Shrinker], tokens: tuple[str, ...]) -> Shrinker:
    """Return a shrinker with the settings that the remaining options give."""

    def collect(*, settings: Annotated[shrinker, Parameter(name="*")] = shrinker()) -> Shrinker:  # type: ignore[valid-type]  # noqa: B008
        return settings

    return cast(Shrinker, call_with_settings("shrink", (method,), collect, tokens))
