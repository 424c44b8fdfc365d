"""`lissnas search`: the same search inside a shrunk space and in the full one, at equal total evaluations."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.search import optimiser_names
from lissnas.shrink import Settings, settings_class

from lissnas_analyses.commands.ablate import Cluster, NumberOfWorkers
from lissnas_analyses.commands.answer import answering
from lissnas_analyses.commands.answers import Studied, tell_study
from lissnas_analyses.commands.options import BenchmarkName, Dataset, MethodName, Metric, Out, Seed, default_folder
from lissnas_analyses.commands.setting_words import setting_values
from lissnas_analyses.commands.terminal import progress

if TYPE_CHECKING:
    OptimiserName = str
else:
    OptimiserName = Literal[optimiser_names()]


@answering
def search(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Annotated[
        tuple[MethodName, ...],
        Parameter(help="What shrinks; settings of the methods are options too.", consume_multiple=True),
    ] = ("lissnas", "kernel"),
    optimiser: Annotated[
        tuple[OptimiserName, ...],
        Parameter(
            help="What searches. tpe and genetic are Optuna's: pip install lissnas[search].", consume_multiple=True
        ),
    ] = ("random", "regularised-evolution", "local-search"),
    evaluations: Annotated[int, Parameter(help="How many networks are scored in all, by shrinking too.")] = 500,
    shrinking_evaluations: Annotated[
        int | None, Parameter(help="How many of them methods that are told so spend on shrinking.")
    ] = None,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="Over how many seeds to average.")] = 50,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> Studied:
    """Search inside what a method keeps, and in the full space, and tell whether shrinking pays.

    The results lie in results/BENCHMARK/search if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses import figures
    from lissnas_analyses import search as searches
    from lissnas_analyses.results import Results
    from lissnas_analyses.search_figure import draw_regret
    from lissnas_analyses.workers import StudyName
    from lissnas_analyses.workers import workers as start

    methods = _settings(method, method_settings, shrinking_evaluations)
    results = Results(out or default_folder(benchmark) / "search", "search")
    name = StudyName.known_here(benchmark, dataset, metric)
    study = name.open()
    with start(workers, cluster) as started, progress() as report:
        found = searches.compare_searches(
            name, methods, optimiser, evaluations, runs, seed, started, lambda share: report("searching", share)
        )
        results.frame("search_runs", found.runs)
        results.frame("search", found.means)
        results.frame("search_shrinking", found.shrinking)
        report("drawing", 0)
        with figures.house_style():
            results.figure("search", draw_regret(found, study))
    findings = searches.sentences(found, study)
    settings = {chosen: asdict(cast(Any, own)) for chosen, own in methods.items()}
    given = {"seed": seed, "runs": runs, "evaluations": evaluations, "optimisers": list(optimiser)}
    results.manifest(study, given | {"methods": settings}, findings, methods=method, optimisers=optimiser)
    return tell_study(study, findings, results)


def _settings(methods: tuple[str, ...], words: tuple[str, ...], evaluations: int | None) -> dict[str, Settings]:
    """Return each method's settings, one value each."""
    values = setting_values("search", methods, words)
    for name, several in values.items():
        if len(several) > 1:
            raise SettingError(
                f"a search takes one value of {name}, not {len(several)}: 'lissnas ablate' takes several"
            )
    given = {name: value for name, (value,) in values.items()}
    if evaluations is not None:
        given["evaluations"] = evaluations
    found: dict[str, Settings] = {}
    for method in methods:
        wanted: Any = settings_class(method)
        known = {field.name for field in fields(wanted)}
        found[method] = wanted(**{name: value for name, value in given.items() if name in known})
    return found
