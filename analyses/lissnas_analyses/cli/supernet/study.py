"""Commands that hold supernets against the same networks trained alone: the whole study, and a small version of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.options import Seed
from lissnas_analyses.cli.supernet.options import need_torch
from lissnas_analyses.cli.terminal import progress

if TYPE_CHECKING:
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import SupernetStudySettings

_RUNS = 3
"""How often each method shrinks by each supernet."""

_Folder = Annotated[Path, Parameter(help="Folder of checkpoints, scores, figures and numbers; a run goes on there.")]


@json_command
def study(
    *,
    seeds: Annotated[tuple[int, ...], Parameter(help="Of the supernets.", consume_multiple=True)] = (0, 1, 2),
    runs: Annotated[int, Parameter(help="How often each method shrinks by each supernet.")] = _RUNS,
    out: _Folder = Path("results/supernet-study"),
) -> AnalysisResult:
    """Train supernets of all cells on digits, and hold their rankings against the cells trained alone."""
    need_torch()
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import SupernetStudySettings

    return _studied(Results(out, "supernet study"), SupernetStudySettings(seeds=seeds), runs)


@json_command
def demo(*, seed: Seed = 0, out: _Folder = Path("results/supernet-demo")) -> AnalysisResult:
    """Do in minutes what `study` does: train one supernet, measure its ranking, shrink by it, fine-tune it."""
    need_torch()
    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.scores import DEMO_SETTINGS

    return _studied(Results(out, "supernet demo"), replace(DEMO_SETTINGS, seeds=(seed,)), _RUNS)


def _studied(results: "Results", settings: "SupernetStudySettings", runs: int) -> AnalysisResult:
    from lissnas_benchmarks.benchmark import open_benchmark

    from lissnas_analyses.supernet.study import BENCHMARK, run_study

    opened = open_benchmark(BENCHMARK)
    with progress() as report:
        findings = run_study(opened, results, settings, runs, report)
    return print_analysis(opened, findings, results)
