"""What a comparison found, in the one sentence that is the title of a figure."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from lissnas_analyses.comparison.measure import ComparisonResult

CHANCE = "random-subset"
"""The method that keeps random architectures: the chance level."""

_NAMED = 3
"""Maximum number of methods that a title names: those with the highest recall."""

_DRAWS = 10
"""Number of random draws in the title about a search in the kept spaces."""


def best_methods(result: ComparisonResult) -> list[str]:
    """Return the three methods with the highest recall of the top 1 %, without chance unless it is the only one."""
    methods = [method for method in result.methods if method != CHANCE] or list(result.methods)
    return sorted(methods, key=lambda method: -result.final(method, "recall_1")[0])[:_NAMED]


def recall_message(result: ComparisonResult) -> str:
    """Return which two methods keep the most of the top 1 %, and for how many evaluations."""
    kept = [
        (method, 100 * result.final(method, "recall_1")[0], result.final(method, "evaluations")[0])
        for method in best_methods(result)[:2]
    ]
    (leader, recall, spent), *others = kept
    more = "".join(f"; {method} {recall:.0f} % with {spent:,.0f}" for method, recall, spent in others)
    return f"{result.benchmark.name}: {leader} keeps {recall:.0f} % of the top 1 % with {spent:,.0f} evaluations{more}"


def paired_message(result: ComparisonResult) -> str:
    """Return which methods keep significantly more, and which less, of the top 1 % than the first one."""
    rows = result.paired.filter(pl.col("statistic") == "recall_1").rows(named=True)
    clauses = []
    for words, is_meant in (
        ("more", lambda row: row["low"] > 0),
        ("less", lambda row: row["high"] < 0),
        ("a share that does not differ significantly", lambda row: not (row["low"] > 0 or row["high"] < 0)),
    ):
        methods = [row["method"] for row in rows if is_meant(row)]
        if methods:
            clauses.append(f"{_listed(methods)} {'keeps' if len(methods) == 1 else 'keep'} {words}")
    return f"{result.benchmark.name}: of the top 1 %, compared with {rows[0]['reference']}, {'; '.join(clauses)}"


def median_message(result: ComparisonResult) -> str:
    """Return how the methods with the highest recall move the median of the reported scores."""
    benchmark = result.benchmark
    is_full_space = (pl.col("statistic") == "median") & (pl.col("round") == 0)
    before = result.rounds.filter(is_full_space)["mean"][0]
    after = ", ".join(f"{result.final(method, 'median')[0]:.1f} ({method})" for method in best_methods(result))
    return f"{benchmark.name}: shrinking moves the median {benchmark.quantity} from {before:.1f} to {after}"


def search_message(result: ComparisonResult) -> str:
    """Return how close a few random draws come to the best architecture, in the best kept space and in the full one."""
    best = np.nanmax(result.benchmark.report)
    drawn = result.kept_spaces.search.filter(pl.col("draws") == _DRAWS)
    gaps = {row["method"]: best - row["value"] for row in drawn.iter_rows(named=True)}
    full_space = gaps.pop("full-space")
    method = min(gaps, key=lambda name: gaps[name])
    unit = f" {result.benchmark.unit}" if result.benchmark.unit else ""
    return (
        f"{result.benchmark.name}: the best of {_DRAWS} random draws is {gaps[method]:.2g}{unit} below the optimum in "
        f"the space of {method}, {full_space:.2g}{unit} in the full space"
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
