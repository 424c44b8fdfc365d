"""`python -m lissnas_analyses.supernet_study_run FOLDER`: the whole study of supernets; killed, it goes on."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lissnas.errors import LissnasError

from lissnas_analyses import figures
from lissnas_analyses.results import Results
from lissnas_analyses.study import Report, Study, open_study
from lissnas_analyses.supernet_scores import Scored, SupernetSettings, train_and_score
from lissnas_analyses.supernet_study import SupernetStudy, judge
from lissnas_analyses.supernet_study_figures import draw_scores, draw_shrinking, draw_taus, sentences

BENCHMARK = "digits-cells"
"""The table of cells trained alone that supernets are held against."""


def run_study(study: Study, folder: Path, settings: SupernetSettings, runs: int, report: Report) -> Sequence[str]:
    """Train and score the supernets as far as the folder does not hold them, and hold them against the table.

    Parameters
    ----------
    study
        Of the digits table.
    folder
        Of checkpoints and scores, and for figures, numbers and the manifest.
    runs
        How often each method shrinks by each supernet, and by the table.

    Returns
    -------
    What was found, in sentences.
    """
    results = Results(folder)
    scored = [train_and_score(folder, seed, settings, report) for seed in settings.seeds]
    found = judge(study, scored, settings, runs, report)
    findings = sentences(found)
    _save(results, study, scored, found)
    results.manifest(study, asdict(settings) | {"runs": runs}, findings, methods=("lissnas", "kernel", "angle"))
    return findings


def _save(results: Results, study: Study, scored: Sequence[Scored], found: SupernetStudy) -> None:
    for name in ("tau", "means", "changes", "ceilings", "along", "shrinking", "shrinking_means"):
        results.frame(f"supernet_{name}", getattr(found, name))
    with figures.house_style():
        results.figure("supernet-tau", draw_taus(found, study))
        results.figure("supernet-scores", draw_scores(scored[0], study))
        results.figure("supernet-shrinking", draw_shrinking(found, study))


def run(folder: Path, *, seeds: tuple[int, ...] = (0, 1, 2), runs: int = 3) -> None:
    """Train a supernet a seed on digits, and hold them against the table of the same cells trained alone.

    Parameters
    ----------
    folder
        For checkpoints, scores, figures and numbers; what is there already is not computed again.
    seeds
        Of the supernets.
    runs
        How often each method shrinks by each supernet.
    """

    def report(what: str, share: float) -> None:
        print(f"\r{what} {share:4.0%}\033[K", end="", flush=True)

    findings = run_study(open_study(BENCHMARK), folder, SupernetSettings(seeds=seeds), runs, report)
    print("\r\033[K" + "\n".join(findings))


def main() -> None:
    """Run the command."""
    import cyclopts

    try:
        cyclopts.run(run)
    except LissnasError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
