"""The study of supernets: trained, scored, held against the cells trained alone; killed, it goes on in its folder."""

from collections.abc import Sequence
from dataclasses import asdict

from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.results.folder import Results
from lissnas_analyses.supernet.draw import draw_scores, draw_shrinking, draw_taus, sentences
from lissnas_analyses.supernet.measure import SupernetStudyResult, judge
from lissnas_analyses.supernet.scores import SupernetScores, SupernetStudySettings, train_and_score

BENCHMARK = "digits-cells"
"""The table of cells trained alone that supernets are held against."""


def run_study(
    benchmark: Benchmark, results: Results, settings: SupernetStudySettings, runs: int, report: ProgressCallback
) -> tuple[str, ...]:
    """Train and score the supernets as far as the folder does not hold them, and hold them against the table.

    Parameters
    ----------
    study
        Of the digits table.
    results
        The folder of checkpoints and scores, and for figures, numbers and the manifest.
    runs
        How often each method shrinks by each supernet, and by the table.

    Returns
    -------
    What was found, in sentences.
    """
    scored = [train_and_score(results.folder, seed, settings, report) for seed in settings.seeds]
    found = judge(benchmark, scored, settings, runs, report)
    findings = tuple(sentences(found))
    _save(results, benchmark, scored, found)
    results.save_for_benchmark(
        benchmark, asdict(settings) | {"runs": runs}, findings, methods=("lissnas", "kernel", "angle")
    )
    return findings


def _save(results: Results, benchmark: Benchmark, scored: Sequence[SupernetScores], found: SupernetStudyResult) -> None:
    for name in ("tau", "means", "changes", "ceilings", "along", "shrinking", "shrinking_means"):
        results.add_table(f"supernet_{name}", getattr(found, name))
    with style.house_style():
        results.add_figure("supernet-tau", draw_taus(found, benchmark))
        results.add_figure("supernet-scores", draw_scores(scored[0], benchmark))
        results.add_figure("supernet-shrinking", draw_shrinking(found, benchmark))
