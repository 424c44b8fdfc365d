"""Commands that hold supernets against the same networks trained alone: the whole study, and a small version of it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.commands.answer import answering
from lissnas_analyses.commands.answers import Studied, tell_study
from lissnas_analyses.commands.options import Seed
from lissnas_analyses.commands.supernet_options import need_torch
from lissnas_analyses.commands.terminal import progress

_Folder = Annotated[Path, Parameter(help="Folder of checkpoints, scores, figures and numbers; a run goes on there.")]


@answering
def study(
    *,
    seeds: Annotated[tuple[int, ...], Parameter(help="Of the supernets.", consume_multiple=True)] = (0, 1, 2),
    runs: Annotated[int, Parameter(help="How often each method shrinks by each supernet.")] = 3,
    out: _Folder = Path("results/supernet-study"),
) -> Studied:
    """Train supernets of all cells on digits, and hold their rankings against the cells trained alone."""
    need_torch()
    from lissnas_analyses.results import Results
    from lissnas_analyses.study import open_study
    from lissnas_analyses.supernet_scores import SupernetSettings
    from lissnas_analyses.supernet_study_run import BENCHMARK, run_study

    results, opened = Results(out), open_study(BENCHMARK)
    with progress() as report:
        findings = run_study(opened, results, SupernetSettings(seeds=seeds), runs, report)
    return tell_study(opened, findings, results)


@answering
def demo(*, seed: Seed = 0, out: _Folder = Path("results/supernet-demo")) -> Studied:
    """Do in minutes what `study` does: train one supernet, measure its ranking, shrink by it, fine-tune it."""
    need_torch()
    from lissnas_analyses.results import Results
    from lissnas_analyses.study import open_study
    from lissnas_analyses.supernet_demo import run_demo
    from lissnas_analyses.supernet_study_run import BENCHMARK

    results, opened = Results(out), open_study(BENCHMARK)
    with progress() as report:
        findings = run_demo(opened, results, seed, report)
    return tell_study(opened, findings, results)
