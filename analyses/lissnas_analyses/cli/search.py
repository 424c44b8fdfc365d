"""`lissnas search`: the same search in a shrunk space and in the full one, at equal total evaluations."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter
from lissnas.errors import SettingError
from lissnas.optimizers.search import optimizer_names
from lissnas.shrinkers.shrink import Shrinker, shrinker_class
from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.method_options import setting_values
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cluster,
    Dataset,
    MethodName,
    Metric,
    NumberOfWorkers,
    Out,
    Seed,
    default_folder,
)
from lissnas_analyses.cli.shared.terminal import progress, warn_if_long
from lissnas_analyses.search.measure import METHODS, OPTIMIZERS, compare_searches

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
        Parameter(help="Methods that shrink; their settings are options too.", consume_multiple=True),
    ] = METHODS,
    optimizer: Annotated[
        tuple[OptimizerName, ...],
        Parameter(
            help="Optimizers that search. tpe and genetic are Optuna's: pip install lissnas[search].",
            consume_multiple=True,
        ),
    ] = OPTIMIZERS,
    evaluations: Annotated[int, Parameter(help="Total evaluations of a search, those of shrinking included.")] = 500,
    shrinking_evaluations: Annotated[
        int | None, Parameter(help="Evaluations of shrinking, for methods that have this setting.")
    ] = None,
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="Number of runs to average over.")] = 50,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AnalysisResult:
    """Search in the space that a method keeps and in the full space, and say whether shrinking pays.

    Finished runs are kept: after an interrupt the same command continues, and more runs compute only what is missing.
    The results are in results/BENCHMARK/search by default.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.results.folder import Results, benchmark_entries
    from lissnas_analyses.search import describe

    shrinkers = _shrinkers(method, method_settings, shrinking_evaluations)
    results = Results(out or default_folder(benchmark) / "search", "search")
    opened = open_benchmark(benchmark, dataset, metric)
    with start_workers(workers, cluster) as started, progress() as report:
        result = compare_searches(
            opened,
            shrinkers,
            optimizer,
            evaluations,
            runs,
            seed,
            path=results.folder / describe.ROWS,
            workers=started,
            report=warn_if_long(lambda share: report("searching", share), "the search"),
        )
        report("drawing", 0)
        results.add_existing_file(describe.ROWS)
        describe.add_searches(result, results)
    findings = describe.search_sentences(result)
    settings = {
        "seed": seed,
        "runs": runs,
        "evaluations": evaluations,
        "optimizers": list(optimizer),
        "methods": {name: asdict(cast(Any, shrinker)) for name, shrinker in shrinkers.items()},
    }
    results.save(benchmark_entries(opened, methods=method, optimizers=optimizer), settings, findings)
    return print_analysis(opened, findings, results, describe.INTERVALS)


def _shrinkers(methods: tuple[str, ...], words: tuple[str, ...], evaluations: int | None) -> dict[str, Shrinker]:
    """Return each method with its settings, one value for each setting."""
    values = setting_values("search", methods, words)
    for name, several in values.items():
        if len(several) > 1:
            raise SettingError(
                f"a search takes one value of {name}, not {len(several)}: 'lissnas ablate' takes several"
            )
    given = {name: value for name, (value,) in values.items()}
    if evaluations is not None:
        given["evaluations"] = evaluations
    shrinkers: dict[str, Shrinker] = {}
    for method in methods:
        shrinker: Any = shrinker_class(method)
        names = {field.name for field in fields(shrinker)}
        shrinkers[method] = shrinker(**{name: value for name, value in given.items() if name in names})
    return shrinkers
