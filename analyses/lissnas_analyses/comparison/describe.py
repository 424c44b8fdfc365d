"""Compare methods on one benchmark: the tables and figures in its folder of results, and the findings in sentences."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from lissnas.progress import ProgressCallback

from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.draw_overview import draw_recall
from lissnas_analyses.comparison.across_benchmarks.draw_ranks import draw_ranks
from lissnas_analyses.comparison.across_benchmarks.overview import ALL_LABELS, Overview, overview, verdicts
from lissnas_analyses.comparison.across_benchmarks.ranks import MethodRanks, rank_methods, ranks_sentence, ranks_table
from lissnas_analyses.comparison.figures import start_figures
from lissnas_analyses.comparison.measure import ComparisonResult, first_rounds
from lissnas_analyses.grid.failed_runs import failure_words
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.results.folder import Results

ROWS = "comparison_rows.parquet"
"""File of the stored rows in the folder of results: a later call with more runs or methods continues it."""

INTERVALS = "95 % interval of the mean over runs"
"""What the brackets in the sentences are."""


def add_comparison(
    result: ComparisonResult,
    results: Results,
    progress: ProgressCallback = lambda task, share: None,
    *,
    figures: bool = True,
    workers: Workers = THIS_PROCESS,
) -> None:
    """Add the tables of a comparison to `results`, and unless they are not wanted the figures and the map."""
    shown = overview([result])
    add_tables(result, shown, results)
    if figures:
        progress("drawing", 0)
        drawn = start_figures(result, shown, workers)
        for number, files in enumerate(drawn, 1):
            results.add_files(files.result())
            progress("drawing", number / len(drawn))


def add_tables(result: ComparisonResult, shown: Overview, results: Results) -> None:
    """Add the tables of a comparison and its overview to `results`, except those of the map."""
    results.add_table("recall", shown.curves)
    results.add_table("methods", shown.table)
    results.add_table("counted", shown.counted)
    results.add_table("shrinking_runs", result.runs)
    results.add_table("shrinking", result.rounds)
    results.add_table("distributions", result.distributions)
    results.add_table("paired", result.paired)
    for name in ("search", "genes", "pockets"):
        results.add_table(f"kept_space_{name}", getattr(result.kept_spaces, name))
    results.add_table("rounds", first_rounds(result))


def save_overview(
    comparisons: Sequence[ComparisonResult], folder: Path
) -> tuple[Overview, tuple[str, ...], tuple[MethodRanks, ...]]:
    """Write the overview of several comparisons to a folder of results; return it with its verdicts and ranks.

    The figure of ranks is drawn if there are enough benchmarks for a test.
    """
    shown = overview(comparisons)
    sentences = verdicts(shown)
    ranks = rank_methods(shown.tables, ALL_LABELS)
    results = Results(folder, "overview")
    results.add_table("overview_recall", shown.curves)
    results.add_table("overview_methods", shown.table)
    results.add_table("overview_counted", shown.counted)
    results.add_table("overview_ranks", ranks_table(ranks))
    with style.house_style():
        results.add_figure("overview", draw_recall(shown))
        if any(each.critical_difference is not None for each in ranks):
            results.add_figure("overview_ranks", draw_ranks(ranks))
    methods = dict.fromkeys(name for comparison in comparisons for name in comparison.registered_methods)
    benchmarks = [one.benchmark.subject for one in comparisons]
    settings = {"runs": comparisons[0].number_of_runs, "seed": comparisons[0].seed}
    findings = [*sentences, *map(ranks_sentence, ranks)]
    results.save({"benchmarks": benchmarks, "methods": list(methods)}, settings, findings)
    return shown, sentences, ranks


def comparison_sentences(result: ComparisonResult) -> tuple[str, ...]:
    """Return the result of each method, its difference to the first method, and the methods left out, in sentences."""
    findings = []
    unit = f" {result.benchmark.unit}" if result.benchmark.unit else ""
    is_sample = result.benchmark.is_sample  # most neighbors are missing, so that pockets mean nothing
    for method in result.methods:
        names = ("size", "mean", "pockets", "evaluations")
        size, mean, pockets, spent = (result.final(method, name)[0] for name in names)
        recall = over_runs(result.final_row(method, "recall_1"))
        findings.append(
            f"{method}: recall of the top 1 % {recall}; {size:,.0f} networks with mean {mean:.2f}{unit}"
            f"{'' if is_sample else f' in {pockets:.1f} pockets'}; {spent:,.0f} evaluations"
        )
    recalls = result.paired.filter(pl.col("statistic") == "recall_1")
    findings += [
        "{method} vs {reference}: recall {difference:+.3f} [{low:+.3f}, {high:+.3f}] ".format_map(row)
        + f"(paired, {difference_words(row['low'], row['high'])})"
        for row in recalls.iter_rows(named=True)
    ]
    findings += [budget_sentence(result), str(result.counted)]
    findings += [f"{method} was left out: {reason}" for method, reason in result.left_out.items()]
    return tuple(findings)


def budget_sentence(result: ComparisonResult) -> str:
    """Return which evaluations and size the methods by name have."""
    by_name = [point for point in result.points.values() if point.shrinker is None]
    if not by_name:
        return "evaluations and size: those of each method's own settings"
    has_kernel = any(point.name == "kernel" and point.evaluations is None for point in by_name)
    evaluations = f"those of LISSNAS in the same run{', kernel at most 150' if has_kernel else ''}"
    if result.evaluations:
        given = " or ".join(f"{budget:,}" for budget in result.evaluations)
        evaluations = f"{given}, except for methods that stop by their own rule"
    size = "that of LISSNAS in the same run" if result.size is None else f"{result.size:,} networks"
    return f"evaluations: {evaluations}; size: {size}, as far as the rule of a method allows"


def budget_sentences(results: Sequence[ComparisonResult]) -> tuple[str, ...]:
    """Return the evaluations and the size of several comparisons: one sentence, or if they differ one for each."""
    said = [budget_sentence(result) for result in results]
    if len(set(said)) == 1:
        return (said[0],)
    return tuple(f"{result.benchmark.subject}: {sentence}" for result, sentence in zip(results, said, strict=True))


def over_runs(row: dict[str, Any]) -> str:
    """Return the mean with its interval; with failed runs the median and the quartiles take the place of the latter."""
    if not row["failed"]:
        return "{mean:.2f} [{low:.2f}, {high:.2f}]".format_map(row)
    quartiles = "{mean:.2f}, median {median:.2f} (quartiles {q25:.2f} and {q75:.2f}), ".format_map(row)
    return quartiles + failure_words(row["failed"], row["runs"])


def difference_words(low: float, high: float) -> str:
    """Return what the interval of a difference shows."""
    return "better" if low > 0 else "worse" if high < 0 else "no significant difference"
