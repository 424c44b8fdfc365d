"""`lissnas landscape`: the landscapes of one benchmark on one or more data sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.shared.analysis_result import say_intervals
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import BenchmarkName, Metric, Seed, default_folder
from lissnas_analyses.cli.shared.terminal import prefixed, progress, say

Datasets = Annotated[
    tuple[str, ...],
    Parameter(help="Data sets of the benchmark, drawn side by side; default: its first.", consume_multiple=True),
]
Out = Annotated[Path | None, Parameter(help="Folder of the results; default: results/BENCHMARK/landscape.")]


@dataclass(frozen=True)
class LandscapeResult(CommandResult):
    """The landscapes of a benchmark, saved to a folder.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    findings
        What the analysis found, in sentences.
    folder, files
        The folder of the tables and figures, and their names.
    """

    benchmark: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]


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
    """Measure and draw a benchmark's landscape: basins, funnels, regret, neutrality, noise, isomorphic networks.

    The result is exact if the benchmark covers its full space. A surrogate predicts random networks instead. For a
    benchmark of a sample of the space, the result covers the pairs within the sample.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.landscape.describe import INTERVALS, run_landscape
    from lissnas_analyses.results.folder import Results

    results = Results(out or default_folder(benchmark) / "landscape", "landscape")
    with progress() as report:
        findings = run_landscape(benchmark, dataset, metric, seed, results, prefixed(report, benchmark))
    say("", bold=benchmark)
    for sentence in findings:
        say(sentence, indent=2)
    say_intervals(INTERVALS)
    say(f"figures, tables and manifest: {results.folder}/", indent=2)
    return LandscapeResult(benchmark, findings, results.folder, tuple(results.files))
