"""The command that measures the landscapes of any benchmark of the catalog."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.command_results import LandscapeResult
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import BenchmarkName, Metric, Seed, default_folder
from lissnas_analyses.cli.terminal import prefixed, progress, say

Datasets = Annotated[
    tuple[str, ...],
    Parameter(help="Data sets of the benchmark, side by side; by default its first.", consume_multiple=True),
]
Out = Annotated[Path | None, Parameter(help="Folder for the results; by default results/BENCHMARK/landscape.")]


@json_command
def landscape(
    benchmark: BenchmarkName,
    /,
    *,
    dataset: Datasets = (),
    metric: Metric = None,
    seed: Seed = 0,
    out: Out = None,
) -> LandscapeResult:
    """Measure and draw a benchmark's landscape: basins, funnels, regret, neutrality, noise, and what computes the same.

    It is exact where the benchmark lists its whole space; a surrogate is asked for random networks, and a sample tells
    what its own pairs do.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.landscape.describe import landscape_report
    from lissnas_analyses.results.folder import Results

    results = Results(out or default_folder(benchmark) / "landscape", "landscape")
    with progress() as report:
        told = landscape_report(benchmark, dataset, metric, seed, results, prefixed(report, benchmark))
    say("", bold=benchmark)
    for sentence in told:
        say(sentence, indent=2)
    say(f"figures, numbers and manifest: {results.folder}/", indent=2)
    return LandscapeResult(benchmark, told, results.folder, tuple(results.files))
