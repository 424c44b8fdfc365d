"""The options that several commands share."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter, validators
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_class, shrinker_names
from lissnas_benchmarks.catalog import benchmark_names

if TYPE_CHECKING:
    BenchmarkName = str
    MethodName = str
else:
    BenchmarkName = Literal[benchmark_names()]
    MethodName = Literal[shrinker_names()]


def _methods_in_words() -> str:
    """Return what each method adds to the options of the command, with its defaults."""
    words = ["How to shrink. The settings of a method are options too."]
    for method in SHRINKERS.valid_names():
        defaults = asdict(cast(Any, shrinker_class(method)()))
        options = ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in defaults.items())
        words.append(f"{method}: {options}.")
    return " ".join(words)


Method = Annotated[MethodName, Parameter(help=_methods_in_words())]
Methods = Annotated[
    tuple[MethodName, ...],
    Parameter(
        help="Methods to compare, one after the other; LISSNAS sets size and evaluations.", consume_multiple=True
    ),
]
Dataset = Annotated[str | None, Parameter(help="Data set of the benchmark; by default its first.")]
Metric = Annotated[str | None, Parameter(help="What to rank networks by; by default the benchmark's accuracy.")]
Limits = Annotated[
    tuple[str, ...],
    Parameter(name="--limit", help="A resource limit, as 'latency<=5' in the benchmark's unit; may be repeated."),
]
Evaluator = Annotated[
    str | None,
    Parameter(
        help="Scores that select in the benchmark's place: FILE, FILE:COLUMN, or FILE:-COLUMN where lower is better."
    ),
]
Seed = Annotated[
    int,
    Parameter(
        help="Seed of every random draw: the same seed gives the same results.", validator=validators.Number(gte=0)
    ),
]
Runs = Annotated[int, Parameter(help="Over how many seeds to average.")]
Out = Annotated[Path | None, Parameter(help="Folder for the results; by default one below results/BENCHMARK.")]


def default_folder(benchmark: str) -> Path:
    """Return where the results of a benchmark go if nothing else is said."""
    return Path("results") / benchmark
