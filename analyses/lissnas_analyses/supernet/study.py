"""The study of supernets: trains and scores them, and compares them with cells trained alone; resumes in its folder."""

from dataclasses import asdict, fields

from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.results.folder import Results, benchmark_entries
from lissnas_analyses.supernet.describe import study_sentences
from lissnas_analyses.supernet.draw import draw_scores, draw_shrinking, draw_taus
from lissnas_analyses.supernet.measure import measure
from lissnas_analyses.supernet.scores import SupernetStudySettings, train_and_score

BENCHMARK = "digits-cells"
"""The table of cells trained alone with which supernets are compared."""


def run_study(
    benchmark: Benchmark, results: Results, settings: SupernetStudySettings, runs: int, report: ProgressCallback
) -> tuple[str, ...]:
    """Train, score and compare supernets, save the results, and return the findings in sentences.

    Parameters
    ----------
    benchmark
        The table of cells trained alone.
    results
        The folder for checkpoints, scores, figures, tables and the manifest. Checkpoints and scores that it already has
        are not computed again.
    settings
        How the supernets are trained and scored.
    runs
        Number of runs of each shrinkage method by each supernet, and by the table.
    report
        Called with the name of a step and the share that is done.
    """
    supernets = [train_and_score(results.folder, seed, settings, report) for seed in settings.seeds]
    comparison = measure(benchmark, supernets, settings, runs, report)
    for table in fields(comparison):
        results.add_table(f"supernet_{table.name}", getattr(comparison, table.name))
    with style.house_style():
        results.add_figure("supernet-tau", draw_taus(comparison, benchmark))
        results.add_figure("supernet-scores", draw_scores(supernets[0], benchmark))
        results.add_figure("supernet-shrinking", draw_shrinking(comparison, benchmark))
    findings = study_sentences(comparison)
    entries = benchmark_entries(benchmark, methods=("lissnas", "kernel", "angle"))
    results.save(entries, asdict(settings) | {"runs": runs}, findings)
    return findings
