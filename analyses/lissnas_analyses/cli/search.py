"""`lissnas search`: the same search inside a shrunk space and in the full one, at equal total evaluations."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.optimizers.search import optimizer_names
from lissnas.shrinkers.shrink import Shrinker, shrinker_class

from lissnas_analyses.cli.ablate import Cluster, NumberOfWorkers
from lissnas_analyses.cli.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.method_options import setting_values
from lissnas_analyses.cli.options import BenchmarkName, Dataset, MethodName, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.terminal import progress

if TYPE_CHECKING:
    OptimizerName = str
else:
    OptimizerName = Literal[optimizer_names()]


@json_command
def search(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Annotated[
        tuple[MethodName, ...],
        Parameter(help="What shrinks; settings of the methods are options too.", consume_multiple=True),
    ] = ("lissnas", "kernel"),
    optimizer: Annotated[
        tuple[OptimizerName, ...],
        Parameter(
            help="What searches. tpe and genetic are Optuna's: pip install lissnas[search].", consume_multiple=True
        ),
    ] = ("random", "regularized-evolution", "local-search"),
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
) -> AnalysisResult:
    """Search inside what a method keeps, and in the full space, and tell whether shrinking pays.

    The results lie in results/BENCHMARK/search if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses import style
    from lissnas_analyses.grid.workers import BenchmarkKey
    from lissnas_analyses.grid.workers import workers as start
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.search import measure as searches
    from lissnas_analyses.search.draw import draw_regret

    methods = _settings(method, method_settings, shrinking_evaluations)
    results = Results(out or default_folder(benchmark) / "search", "search")
    name = BenchmarkKey.known_here(benchmark, dataset, metric)
    opened = name.open()
    with start(workers, cluster) as started, progress() as report:
        found = searches.compare_searches(
            name, methods, optimizer, evaluations, runs, seed, started, lambda share: report("searching", share)
        )
        results.add_table("search_runs", found.runs)
        results.add_table("search", found.means)
        results.add_table("search_shrinking", found.shrinking)
        report("drawing", 0)
        with style.house_style():
            results.add_figure("search", draw_regret(found, opened))
    findings = searches.sentences(found, opened)
    settings = {chosen: asdict(cast(Any, own)) for chosen, own in methods.items()}
    given = {"seed": seed, "runs": runs, "evaluations": evaluations, "optimizers": list(optimizer)}
    results.save_for_benchmark(opened, given | {"methods": settings}, findings, methods=method, optimizers=optimizer)
    return print_analysis(opened, findings, results)


def _settings(methods: tuple[str, ...], words: tuple[str, ...], evaluations: int | None) -> dict[str, Shrinker]:
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
    found: dict[str, Shrinker] = {}
    for method in methods:
        wanted: Any = shrinker_class(method)
        known = {field.name for field in fields(wanted)}
        found[method] = wanted(**{name: value for name, value in given.items() if name in known})
    return found
