"""What an ablation leaves in its folder beside its rows: numbers, figures, manifest, and sentences."""

from dataclasses import asdict
from typing import Any, cast

import polars as pl
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.ablation import draw, ranking
from lissnas_analyses.ablation.measure import AblationResult, cell_columns
from lissnas_analyses.grid.grid import SETTING
from lissnas_analyses.results.folder import Results


def write(result: AblationResult, benchmark: Benchmark, results: Results, seed: int) -> tuple[str, ...]:
    """Save numbers, figures and manifest, and return the findings."""
    results.files.append("ablation.parquet")
    results.add_table("ablation_means", result.means)
    with style.house_style():
        results.add_figure("ablation_recall", draw.draw_recall(result, benchmark))
        settings = draw.sensitivity(result)
        if not settings.is_empty():
            results.add_table("ablation_sensitivity", settings)
            results.add_figure("ablation_sensitivity", draw.draw_sensitivity(settings, result, benchmark))
        ranks = ranking.rank(result, seed)
        if not ranks.is_empty():
            results.add_table("ablation_ranks", ranks)
            results.add_figure("ablation_ranks", ranking.draw_ranks(ranks, result, benchmark))
    findings = sentences(result)
    grid = [
        {"method": cell.method, "noise_tau": cell.noise_tau, "epochs": cell.epochs} | asdict(cast(Any, cell.shrinker))
        for cell in result.cells
    ]
    methods = tuple(dict.fromkeys(cell.method for cell in result.cells))
    results.save_for_benchmark(benchmark, {"seed": seed, "runs": result.runs, "grid": grid}, findings, methods=methods)
    return findings


def sentences(result: AblationResult) -> tuple[str, ...]:
    """Return for each method which combination keeps the most of the top 1 %, and which the least."""
    found = []
    cell = cell_columns(result.rows)
    recalls = result.means.filter(pl.col("figure") == "recall_1").sort("mean", descending=True)
    for method in result.means["method"].unique(maintain_order=True):
        own = recalls.filter(pl.col("method") == method)
        varied = [name for name in cell if own[name].n_unique() > 1]
        best, worst = (_in_words(own.row(place, named=True), varied) for place in (0, -1))
        least = f", at the least {worst}" if own.height > 1 else ""
        found.append(
            f"{method}: recall of the top 1 % {best}{least}; {own.height:,} combinations x {result.runs:,} runs"
        )
    return tuple(found)


def _in_words(row: dict[str, Any], varied: list[str]) -> str:
    where = ", ".join(f"{name.removeprefix(SETTING).replace('_', ' ')} {row[name]}" for name in varied)
    interval = "" if row["low"] is None or row["low"] != row["low"] else f" [{row['low']:.3f}, {row['high']:.3f}]"
    return f"{row['mean']:.3f}{interval}" + (f" with {where}" if where else "")
