"""The result of a command that analyzes one benchmark, and how it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.cli.shared.json_command import CommandResult
from lissnas_analyses.cli.shared.terminal import say
from lissnas_analyses.comparison.score_counts import ScoreCounts
from lissnas_analyses.results.folder import Results


@dataclass(frozen=True)
class AnalysisResult(CommandResult):
    """An analysis of one benchmark, saved to a folder.

    Attributes
    ----------
    benchmark, dataset
        The benchmark and its data set.
    networks
        Number of networks in the space.
    selected_by, reported_by
        The scores that methods see, and the scores that judge their results.
    findings
        What the analysis found, in sentences.
    folder, files
        The folder of the tables and figures, and their names.
    counted
        What a comparison counts; None for other analyses.
    """

    benchmark: str
    dataset: str
    networks: int
    selected_by: str
    reported_by: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]
    counted: ScoreCounts | None = None


def print_analysis(
    opened: Benchmark,
    findings: tuple[str, ...],
    results: Results,
    intervals: str | None = None,
    counted: ScoreCounts | None = None,
    lines: Sequence[str] | None = None,
) -> AnalysisResult:
    """Print the benchmark, the findings, what their `intervals` are, and the folder; return the command's result.

    `lines` are printed in place of the findings.
    """
    name = opened.adapter.name
    say(str(opened).removeprefix(name), bold=name)
    for sentence in findings if lines is None else lines:
        say(sentence, indent=2)
    if intervals is not None:
        say_intervals(intervals)
    say(f"{saved_kinds(results)} and manifest: {results.folder}/", indent=2)
    return analysis_result(opened, findings, results, counted)


def analysis_result(
    opened: Benchmark, findings: tuple[str, ...], results: Results, counted: ScoreCounts | None = None
) -> AnalysisResult:
    """Return a command's result for an analysis whose results are saved."""
    measures = opened.selects.describe(), opened.reports.describe()
    return AnalysisResult(
        opened.adapter.name,
        opened.dataset,
        opened.space.size,
        *measures,
        findings,
        results.folder,
        tuple(results.files),
        counted,
    )


def saved_kinds(results: Results) -> str:
    """Return what a folder has beside its manifest: figures, if any were drawn, and tables."""
    return "figures, tables" if any(name.endswith(".png") for name in results.files) else "tables"


def say_intervals(intervals: str, indent: int = 2) -> None:
    """Print what the brackets in the findings are."""
    say(f"[low, high]: {intervals}", indent=indent)
