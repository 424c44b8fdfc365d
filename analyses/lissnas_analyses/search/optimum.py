"""Evaluations until the optimum: how many a search needs until it scores the best architecture of the full space.

The best architecture is the one with the highest score that selects, because a search sees no other scores. A run that
does not reach it within the total counts as infinitely long, so a quantile is known once enough runs reach it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.optimizers.search import SearchTrace
from lissnas_benchmarks.benchmark import Benchmark

_QUANTILES = {"low": 0.25, "median": 0.5, "high": 0.75}
"""The quantiles over runs: the median and the interquartile range."""


def evaluations_to_optimum(trace: SearchTrace, benchmark: Benchmark, total: int) -> int | None:
    """Return the number of the evaluation that scored the best architecture; None if none of the first `total` did."""
    _, scores = trace.evaluations.history
    found = np.flatnonzero(scores[:total] == np.nanmax(benchmark.selection))
    return int(found[0]) + 1 if len(found) else None


def summarize_optimum(needed: Mapping[tuple[str, str], pl.Series]) -> pl.DataFrame:
    """Return a row for each search, a space with an optimizer, from the evaluations that its runs needed.

    Columns: space, optimizer, runs, reached (number of runs that reached the optimum), and the quartiles low, median
    and high: the smallest number of evaluations by which a quarter, a half and three quarters of the runs reached it;
    null if fewer did.
    """
    rows = []
    for (space, optimizer), series in needed.items():
        lengths = series.cast(pl.Float64).fill_null(np.inf).to_numpy()
        quantiles = np.quantile(lengths, list(_QUANTILES.values()), method="inverted_cdf")
        rows.append(
            {"space": space, "optimizer": optimizer, "runs": len(lengths), "reached": int(np.isfinite(lengths).sum())}
            | {name: int(n) if np.isfinite(n) else None for name, n in zip(_QUANTILES, quantiles, strict=True)}
        )
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(_QUANTILES, pl.Int64))


@dataclass(frozen=True)
class PublishedSearch:
    """How fast a published search method reached an optimum: its name, what was measured, and the source."""

    method: str
    finding: str
    source: str


_BANANAS = "NASLib, `run/results` (only_adjacency.zip)"

_PUBLISHED: dict[tuple[str, str], tuple[PublishedSearch, ...]] = {
    ("nas-bench-101", "cifar10"): (
        PublishedSearch(
            "LaNAS",
            "best validation accuracy after a median of 2,056 evaluations (mean 2,274, from 568 to 4,846; 41 runs)",
            "facebookresearch/LaMCTS, our_past_results.txt",
        ),
    ),
    ("nas-bench-201", "cifar10"): (
        PublishedSearch(
            "BANANAS with XGBoost", "best value that it saw after 23 to 121 evaluations in 8 of 10 runs", _BANANAS
        ),
        PublishedSearch(
            "FLAN",
            "mean best validation accuracy .91607, the optimum, after 128 evaluations",
            "abdelfattah-lab/flan_nas, search_results",
        ),
    ),
    ("nas-bench-201", "cifar100"): (
        PublishedSearch(
            "BANANAS with XGBoost", "best value that it saw after 24 to 161 evaluations in 8 of 10 runs", _BANANAS
        ),
        PublishedSearch(
            "local search", "global optimum after 127 evaluations on average", "White, Nolen and Savani, UAI 2021"
        ),
    ),
    ("nas-bench-201", "ImageNet16-120"): (
        PublishedSearch(
            "BANANAS with XGBoost", "best value that it saw after 29 to 101 evaluations in 7 of 10 runs", _BANANAS
        ),
    ),
}
"""Published figures by benchmark and data set. Each has its own idea of the optimum, so they are quoted in words."""


def published_searches(benchmark: Benchmark) -> tuple[PublishedSearch, ...]:
    """Return the published figures for the networks, the data set and the measures of a benchmark."""
    if benchmark.reports != benchmark.adapter.reports or benchmark.selects != benchmark.adapter.selects:
        return ()
    return _PUBLISHED.get((benchmark.name, benchmark.dataset), ())
