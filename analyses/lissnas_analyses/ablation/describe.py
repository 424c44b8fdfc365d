"""Describe an ablation: the tables, figures and manifest in its folder of results, and the findings in sentences."""

from dataclasses import asdict
from typing import Any, cast

import polars as pl

from lissnas_analyses import style
from lissnas_analyses.ablation import draw
from lissnas_analyses.ablation.measure import AblationResult
from lissnas_analyses.ablation.summarize import column_label, point_columns
from lissnas_analyses.grid.failed_runs import failure_words
from lissnas_analyses.results.folder import Results, benchmark_entries

ROWS = "ablation.parquet"
"""File of the rows in the folder of results: a later call with a larger grid continues it."""

INTERVALS = "95 % interval of the mean over runs"
"""What the brackets in the sentences are."""


def save_ablation(result: AblationResult, results: Results) -> tuple[str, ...]:
    """Save the tables, figures and manifest of an ablation, and return its findings."""
    results.add_table("ablation_means", result.means)
    with style.house_style():
        results.add_figure("ablation_recall", draw.draw_recall(result))
        if not result.sensitivity.is_empty():
            results.add_table("ablation_sensitivity", result.sensitivity)
            results.add_figure("ablation_sensitivity", draw.draw_sensitivity(result))
        if not result.ranks.is_empty():
            results.add_table("ablation_ranks", result.ranks)
            results.add_figure("ablation_ranks", draw.draw_ranks(result))
    findings = ablation_sentences(result)
    grid = [
        {"method": point.method, "noise_tau": point.noise_tau, "epochs": point.epochs}
        | asdict(cast(Any, point.shrinker))
        for point in result.points
    ]
    methods = tuple(dict.fromkeys(point.method for point in result.points))
    settings = {"seed": result.seed, "runs": result.runs, "grid": grid}
    if cheap := result.benchmark.cheap:
        settings |= {"cheap": [predictor.describe() for predictor in cheap]}
    results.save(benchmark_entries(result.benchmark, methods=methods), settings, findings)
    return findings


def ablation_sentences(result: AblationResult) -> tuple[str, ...]:
    """Return for each method which combination has the highest recall of the top 1 %, and which the lowest."""
    sentences = []
    columns = point_columns(result.rows)
    recalls = result.means.filter(pl.col("statistic") == "recall_1").sort("mean", descending=True)
    for method in result.means["method"].unique(maintain_order=True):
        of_method = recalls.filter(pl.col("method") == method)
        varied = [name for name in columns if of_method[name].n_unique() > 1]
        best, worst = (_recall(of_method.row(place, named=True), varied) for place in (0, -1))
        lowest = f"; lowest {worst}" if of_method.height > 1 else ""
        highest = "highest recall" if of_method.height > 1 else "recall"
        sentences.append(
            f"{method}: {highest} of the top 1 % {best}{lowest}; "
            f"{of_method.height:,} combinations x {result.runs:,} runs"
        )
    return tuple(sentences)


def _recall(row: dict[str, Any], varied: list[str]) -> str:
    settings = ", ".join(f"{column_label(name)} {row[name]}" for name in varied)
    interval = "" if row["low"] is None or row["low"] != row["low"] else f" [{row['low']:.3f}, {row['high']:.3f}]"
    if row["failed"]:
        interval = f" ({failure_words(row['failed'], row['runs'])})"
    return f"{row['mean']:.3f}{interval}" + (f" with {settings}" if settings else "")
