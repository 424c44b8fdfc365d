"""Commands that hold supernets against the same networks trained alone: the whole study, and a small version of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lissnas_analyses.commands.answer import answering
from lissnas_analyses.commands.answers import Studied, tell_study
from lissnas_analyses.commands.options import Seed
from lissnas_analyses.commands.supernet_options import need_torch
from lissnas_analyses.commands.terminal import progress

if TYPE_CHECKING:
    from lissnas_analyses.results import Results
    from lissnas_analyses.supernet_scores import SupernetSettings

_RUNS = 3
"""How often each method shrinks by each supernet."""

_Folder = Annotated[Path, Parameter(help="Folder of checkpoints, scores, figures and numbers; a run goes on there.")]


@answering
def study(
    *,
    seeds: Annotated[tuple[int, ...], Parameter(help="Of the supernets.", consume_multiple=True)] = (0, 1, 2),
    runs: Annotated[int, Parameter(help="How often each method shrinks by each supernet.")] = _RUNS,
    out: _Folder = Path("results/supernet-study"),
) -> Studied:
    """Train supernets of all cells on digits, and hold their rankings against the cells trained alone."""
    need_torch()
    from lissnas_analyses.results import Results
    from lissnas_analyses.supernet_scores import SupernetSettings

    return _studied(Results(out, "supernet study"), SupernetSettings(seeds=seeds), runs)


@answering
def demo(*, seed: Seed = 0, out: _Folder = Path("results/supernet-demo")) -> Studied:
    """Do in minutes what `study` does: train one supernet, measure its ranking, shrink by it, fine-tune it."""
    need_torch()
    from lissnas_analyses.results import Results
    from lissnas_analyses.supernet_scores import IN_SMALL

    return _studied(Results(out, "supernet demo"), replace(IN_SMALL, seeds=(seed,)), _RUNS)


def _studied(results: "Results", settings: "SupernetSettings", runs: int) -> Studied:
    from lissnas_analyses.study import open_study
    from lissnas_analyses.supernet_study_run import BENCHMARK, run_study

    opened = open_study(BENCHMARK)
    with progress() as report:
        findings = run_study(opened, results, settings, runs, report)
    return tell_study(opened, findings, results)
