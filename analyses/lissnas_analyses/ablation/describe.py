"""Describe an ablation: the tables, figures and manifest in its folder of results, and the findings in sentences."""

from dataclasses import asdict
from typing import Any, cast

import polars as pl

from lissnas_analyses import style
from lissnas_analyses.ablation import draw, ranking
from lissnas_analyses.ablation.measure import AblationResult, point_columns
from lissnas_analyses.grid.row_store import SETTING_PREFIX
from lissnas_analyses.results.folder import Results

ROWS = "ablation.parquet"
"""File of the rows in the folder of results: a later call with a larger grid continues it."""


def write(result: AblationResult, results: Results) -> tuple[str, ...]:
    """Save the tables, figures and manifest of an ablation, and return its findings."""
    results.add_existing_file(ROWS)
    results.add_table("ablation_means", result.means)
    with style.house_style():
        results.add_figure("ablation_recall", draw.draw_recall(result))
        by_settings = draw.sensitivity(result)
        if not by_settings.is_empty():
            results.add_table("ablation_sensitivity", by_settings)
            results.add_figure("ablation_sensitivity", draw.draw_sensitivity(by_settings, result))
        ranks = ranking.rank(result)
        if not ranks.is_empty():
            results.add_table("ablation_ranks", ranks)
            results.add_figure("ablation_ranks", ranking.draw_ranks(ranks, result))
    findings = ablation_sentences(result)
    grid = [
        {"method": point.method, "noise_tau": point.noise_tau, "epochs": point.epochs}
        | asdict(cast(Any, point.shrinker))
        for point in result.points
    ]
    methods = tuple(dict.fromkeys(point.method for point in result.points))
    settings = {"seed": result.seed, "runs": result.runs, "grid": grid}
    results.save_for_benchmark(result.benchmark, settings, findings, methods=methods)
    return findings


def ablation_sentences(result: AblationResult) -> tuple[str, ...]:
    """Return for each method which combination keeps the most of the top 1 %, and which the least."""
    found = []
    point = point_columns(result.rows)
    recalls = result.means.filter(pl.col("figure") == "recall_1").sort("mean", descending=True)
    for method in result.means["method"].unique(maintain_order=True):
        own = recalls.filter(pl.col("method") == method)
        varied = [name for name in point if own[name].n_unique() > 1]
        best, worst = (_in_words(own.row(place, named=True), varied) for place in (0, -1))
        least = f", at the least {worst}" if own.height > 1 else ""
        found.append(
            f"{method}: recall of the top 1 % {best}{least}; {own.height:,} combinations x {result.runs:,} runs"
        )
    return tuple(found)


def _in_words(row: dict[str, Any], varied: list[str]) -> str:
    where = ", ".join(f"{name.removeprefix(SETTING_PREFIX).replace('_', ' ')} {row[name]}" for name in varied)
    interval = "" if row["low"] is None or row["low"] != row["low"] else f" [{row['low']:.3f}, {row['high']:.3f}]"
    return f"{row['mean']:.3f}{interval}" + (f" with {where}" if where else "")
