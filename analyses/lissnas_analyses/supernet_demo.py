"""The study of supernets in small, for a first look: one supernet, trained for a minute or two."""

from lissnas_analyses.results import Results
from lissnas_analyses.study import Report, Study
from lissnas_analyses.supernet_scores import SupernetSettings
from lissnas_analyses.supernet_study_run import run_study

_RUNS = 3
"""How often each method shrinks."""


def run_demo(study: Study, results: Results, seed: int, report: Report) -> tuple[str, ...]:
    """Train a supernet on digits, measure its ranking, shrink by it, fine-tune it, measure again; return sentences.

    Figures, the numbers behind them, checkpoints and scores are left in the folder; a run that was ended goes on there.

    Raises
    ------
    LissnasError
        If the folder holds other supernets.
    """
    settings = SupernetSettings(seeds=(seed,), steps=3_000, later_steps=600, marks=(0.2, 0.5), sample=500)
    return run_study(study, results, settings, _RUNS, report)
