"""`lissnas supernet study` and `demo`: compare supernets with the same networks trained alone, fully or in small."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import json_command
from lissnas_analyses.cli.shared.options import Seed
from lissnas_analyses.cli.shared.terminal import progress
from lissnas_analyses.cli.supernet.options import need_torch

if TYPE_CHECKING:
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import SupernetStudySettings

_RUNS = 3
"""Default number of runs of each shrinkage method by each supernet."""

_Folder = Annotated[
    Path, Parameter(help="Folder for checkpoints, scores, figures and tables; a stopped run resumes there.")
]


@json_command
def study(
    *,
    seeds: Annotated[tuple[int, ...], Parameter(help="Seeds of the supernets, one each.", consume_multiple=True)] = (
        0,
        1,
        2,
    ),
    runs: Annotated[int, Parameter(help="Number of runs of each shrinkage method by each supernet.")] = _RUNS,
    out: _Folder = Path("results/supernet-study"),
) -> AnalysisResult:
    """Train supernets of all cells on digits, and compare their rankings with the cells trained alone."""
    need_torch()
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import SupernetStudySettings

    return _run(Results(out, "supernet study"), SupernetStudySettings(seeds=seeds), runs)


@json_command
def demo(*, seed: Seed = 0, out: _Folder = Path("results/supernet-demo")) -> AnalysisResult:
    """Run a small version of `study`, with one supernet, in minutes."""
    need_torch()
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import DEMO_SETTINGS

    return _run(Results(out, "supernet demo"), replace(DEMO_SETTINGS, seeds=(seed,)), _RUNS)


def _run(results: "Results", settings: "SupernetStudySettings", runs: int) -> AnalysisResult:
    from lissnas_benchmarks.benchmark import open_benchmark

    from lissnas_analyses.supernet.study import BENCHMARK, run_study

    opened = open_benchmark(BENCHMARK)
    with progress() as report:
        findings = run_study(opened, results, settings, runs, report)
    return print_analysis(opened, findings, results)
