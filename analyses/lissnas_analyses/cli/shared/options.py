"""Options that several commands share, and how resource limits are read."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter, validators
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_class, shrinker_names
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.space import Floats, Rows
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import benchmark_names
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.own_table import OFFICIAL_INDEX

from lissnas_analyses.cli.shared.terminal import say

if TYPE_CHECKING:
    BenchmarkName = str
    MethodName = str
    MethodWithSettings = str
else:
    BenchmarkName = Literal[benchmark_names()]
    MethodName = Literal[shrinker_names()]
    MethodWithSettings = MethodName | str


def _method_help() -> str:
    """Return the help text of `--method`: the options of each method, with their defaults."""
    sentences = ["Shrinkage method. Its settings are options of this command:"]
    for method in SHRINKERS.valid_names():
        defaults = asdict(cast(Any, shrinker_class(method)()))
        options = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in defaults.items())
        sentences.append(f"{method}: {options}.")
    return " ".join(sentences)


Method = Annotated[MethodName, Parameter(help=_method_help())]
Methods = Annotated[
    tuple[MethodWithSettings, ...],
    Parameter(
        help="Methods to compare, each with settings of its own if it has any: lissnas lissnas:seeds=50,radius=2. "
        "'lissnas shrink --help' lists the settings.",
        consume_multiple=True,
    ),
]
Rule = Annotated[
    str | None,
    Parameter(
        help="A shrinker in a Python file, in place of --method: FILE.py:ClassName. Its settings are options, too."
    ),
]
Rules = Annotated[
    tuple[str, ...],
    Parameter(
        name="--rule",
        help="Shrinkers in Python files, to compare besides the methods: FILE.py:ClassName, with settings as in "
        "FILE.py:ClassName:elite=20.",
        consume_multiple=True,
        show_default=False,
    ),
]
Dataset = Annotated[str | None, Parameter(help="Data set of the benchmark; default: its first.")]
Metric = Annotated[str | None, Parameter(help="Metric that ranks networks; default: the benchmark's accuracy.")]
Limits = Annotated[
    tuple[str, ...],
    Parameter(
        name="--limit",
        help="Resource limit such as 'latency<=5' or 'latency<5', in the benchmark's unit; can be repeated.",
    ),
]
Evaluator = Annotated[
    str | None,
    Parameter(
        help="Scores that select instead of the benchmark's: FILE, FILE:COLUMN, or FILE:-COLUMN if lower is better."
    ),
]
Form = Annotated[
    str,
    Parameter(
        name="--format",
        help="Format of the architectures in files of scores, such as naslib-201; default: official strings, or the "
        "name of their column.",
    ),
]
Cheap = Annotated[
    tuple[str, ...],
    Parameter(
        help="Cheap scores that the method 'kernel' uses besides its evaluations: FILE, FILE:COLUMN, FILE:-COLUMN, or "
        "another benchmark on the same architectures: NAME, NAME-DATASET, NAME:METRIC/SPLIT/EPOCHS.",
        consume_multiple=True,
        negative=(),
        show_default=False,
    ),
]
Seed = Annotated[
    int,
    Parameter(help="Random seed; the same seed gives the same results.", validator=validators.Number(gte=0)),
]
Runs = Annotated[int, Parameter(help="Number of seeds to average over.")]
NumberOfWorkers = Annotated[
    int | None, Parameter(name="--workers", help="Number of processes on this machine; default: one for each core.")
]
Cluster = Annotated[
    str | None,
    Parameter(help="Address of a Dask scheduler whose workers compute; 'local:2' starts two processes here."),
]
Out = Annotated[Path | None, Parameter(help="Folder of the results; default: a folder in results/BENCHMARK.")]


def default_folder(benchmark: str) -> Path:
    """Return the default folder of a benchmark's results."""
    return Path("results") / benchmark


def with_cheap(benchmark: Benchmark, cheap: tuple[str, ...], methods: Sequence[str], form: str) -> Benchmark:
    """Return a benchmark with the cheap scores that `--cheap` names, in files of the format that `--format` names.

    Raises SettingError if no method uses them, and what `read_cheap_scores` raises.
    """
    from lissnas_analyses.ranking.score_sources import read_cheap_scores

    if not cheap:
        return benchmark
    if "kernel" not in methods:
        raise SettingError(f"--cheap is for the method 'kernel'; {', '.join(methods)} would ignore cheap scores")
    return benchmark.with_cheap_scores(read_cheap_scores(cheap, benchmark, form))


def cheap_sentence(benchmark: Benchmark) -> str:
    """Return a sentence that names the cheap scores of a benchmark."""
    origins = dict.fromkeys(predictor.origin for predictor in benchmark.cheap)
    named = "; ".join(
        f"{', '.join(one.name for one in benchmark.cheap if one.origin == origin)} of {origin}" for origin in origins
    )
    return f"kernel also sees the cheap scores {named}"


_LIMIT = re.compile(r"\s*([\w-]+)\s*(<=?)\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*", re.ASCII)


def limited_space(benchmark: Benchmark, limits: tuple[str, ...]) -> LimitedSpace:
    """Return the networks of a benchmark that meet all limits.

    Parameters
    ----------
    limits
        Each written as 'resource<=number' or 'resource<number'; the resource is a cost column of the benchmark.

    Raises
    ------
    SettingError
        If a limit is written differently, or no network meets it.
    UnknownNameError
        If the benchmark has no such resource; the message names those that it has.
    """
    space = LimitedSpace(benchmark.space, *(_limit(benchmark, text) for text in limits))
    for limit in space.limits:
        if benchmark.space.enumerable and limit(benchmark.space.all_rows()).all():
            say(f"the limit {limit} excludes nothing: every network of {benchmark.space.name} meets it", indent=2)
    return space


def _limit(benchmark: Benchmark, text: str) -> Limit:
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise SettingError(f"--limit must be written like 'latency<=5' or 'latency<5', not '{text}'")
    resource, sign, maximum = match.groups()
    costs = _costs(benchmark, resource)

    def cost(rows: Rows) -> Floats:
        return costs[benchmark.space.index(rows)]

    return Limit(resource, cost, float(maximum), is_strict=sign == "<")


def _is_resource(column: Column, dataset: str) -> bool:
    """Tell whether a column has costs: a loss has a split, and a numbering of architectures is no cost."""
    is_cost = not column.quality and not column.split and column.metric != OFFICIAL_INDEX
    return is_cost and column.dataset == dataset


def _costs(benchmark: Benchmark, resource: str) -> Floats:
    """Return the cost of each network, the mean over seeds, after the largest number of training epochs."""
    columns = [column for column in benchmark.table.columns if _is_resource(column, benchmark.dataset)]
    of_resource = [column for column in columns if column.metric == resource]
    if not columns:
        raise SettingError(f"{benchmark.name} has no resources on {benchmark.dataset}, so --limit cannot be used")
    if not of_resource:
        raise UnknownNameError("resource", resource, {column.metric for column in columns})
    last = max(of_resource, key=lambda column: column.epochs or 0)
    return benchmark.table.values(Measure(resource, last.split, epochs=last.epochs), benchmark.dataset)
