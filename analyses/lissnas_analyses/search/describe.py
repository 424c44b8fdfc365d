"""Describe searches: the tables and the figure in their folder of results, and the findings in sentences."""

import polars as pl

from lissnas_analyses import style
from lissnas_analyses.results.folder import Results
from lissnas_analyses.search.draw import draw_regret
from lissnas_analyses.search.measure import FULL_SPACE, SearchResult, regret_of_the_best_selected
from lissnas_analyses.search.optimum import published_searches

ROWS = "search_rows.parquet"
"""File of the stored rows in the folder of results: a later call with more runs or optimizers continues it."""

INTERVALS = "95 % interval of the mean over runs"
"""What the brackets in the sentences are."""


def add_searches(result: SearchResult, results: Results) -> None:
    """Add the tables and the figure of searches to `results`."""
    results.add_table("search_runs", result.runs)
    results.add_table("search", result.means)
    results.add_table("search_shrinking", result.shrinking)
    results.add_table("search_optimum", result.optimum)
    with style.house_style():
        results.add_figure("search", draw_regret(result))


def search_sentences(result: SearchResult) -> tuple[str, ...]:
    """Return whether shrinking pays, for each optimizer and method, in sentences."""
    benchmark = result.benchmark
    findings = []
    if floor := regret_of_the_best_selected(benchmark):
        findings.append(f"the best network by the scores that select has a regret of {floor:.3f} {benchmark.unit}")
    for method in result.shrinkers:
        shrinking = result.shrinking.filter(pl.col("method") == method)
        over = int((shrinking["evaluations"] >= result.evaluations).sum())
        scored, kept = (float(shrinking[column].to_numpy().mean()) for column in ("evaluations", "size"))
        spent = f"{method} spends {scored:,.0f} evaluations and keeps {kept:,.0f} networks"
        all_spent = f"; in {over} of {shrinking.height} runs that is the total, and nothing is left to search"
        findings.append(spent + (all_spent if over else ""))
        for optimizer in result.optimizers:
            shrunk, full = result.end(method, optimizer), result.end(FULL_SPACE, optimizer)
            low, high = shrunk["difference_low"], shrunk["difference_high"]
            findings.append(
                f"{optimizer} in the space of {method}: regret {shrunk['regret']:.3f} "
                f"[{shrunk['low']:.3f}, {shrunk['high']:.3f}] {benchmark.unit} after {result.evaluations:,} "
                f"evaluations, {full['regret']:.3f} in the full space; difference {shrunk['difference']:+.3f} "
                f"[{low:+.3f}, {high:+.3f}]: {_verdict(low, high)}{_clear_counts(result, method, optimizer)}"
            )
    return (*findings, *optimum_sentences(result))


def optimum_sentences(result: SearchResult) -> tuple[str, ...]:
    """Return after how many evaluations each search scores the best architecture, next to published figures."""
    ours = []
    for row in result.optimum.iter_rows(named=True):
        reached = f"{row['reached']} of {row['runs']} runs score the best network by the scores that select"
        low, median, high = (
            f"more than {result.evaluations:,}" if row[name] is None else f"{row[name]:,}"
            for name in ("low", "median", "high")
        )
        needed = f"; median {median} evaluations (quartiles {low} and {high})" if row["reached"] else ""
        ours.append(f"{row['optimizer']} in {_place(row['space'])}: {reached}{needed}")
    published = (
        f"published: {figure.method}, {figure.finding} ({figure.source})"
        for figure in published_searches(result.benchmark)
    )
    return (*ours, *published)


def _place(space: str) -> str:
    return "the full space" if space == FULL_SPACE else f"the space of {space}"


def _verdict(low: float, high: float) -> str:
    if high < 0:
        return "shrinking pays"
    return "shrinking does not pay" if low > 0 else "no significant difference"


def _clear_counts(result: SearchResult, method: str, optimizer: str) -> str:
    """Return at which numbers of evaluations the interval of the difference to the full space excludes 0."""
    rows = result.means.filter((pl.col("space") == method) & (pl.col("optimizer") == optimizer)).sort("evaluations")
    parts = []
    for name, clear in (("behind", rows["difference_low"] > 0), ("ahead", rows["difference_high"] < 0)):
        counts = rows["evaluations"].filter(clear)
        if len(counts):
            first, last = int(counts.item(0)), int(counts.item(-1))
            share = len(counts) / rows.height
            parts.append(f"significantly {name} at {share:.0%} of the recorded counts, from {first:,} to {last:,}")
    return f" ({'; '.join(parts)})" if parts else ""
