"""Measure the locality of one benchmark: how similarly similar networks perform."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.space import INDEX_COLUMN, Floats, Space
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.quality import is_top
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.benchmark import Benchmark

TOP_SHARES = (0.01, 0.05, 0.10)
"""Top shares of the networks for which P(top) and pockets are measured."""

_ALL_PAIRS = 100_000
"""Maximum size of a space in which all pairs are compared. In larger spaces only pairs up to `_NEAR` edits apart are
compared, because the number of pairs is quadratic (our own choice)."""

_NEAR = 2

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of the scores at each distance to the optimum."""


@dataclass(frozen=True)
class LocalityResult:
    """The data of the locality figures.

    Attributes
    ----------
    by_distance
        One row per measure and edit distance: measure, distance, pairs, value, low, high, base (over all pairs).
    walk
        One row per lag of a random walk: lag, value, low, high.
    to_optimum
        One row per distance to the nearest global optimum: distance, networks, quantiles of the scores.
    optima
        One row per local optimum, best first: index, architecture, score, basin (share of starts that end there).
    summary
        One row per statistic: figure, value, low, high.
    """

    by_distance: pl.DataFrame
    walk: pl.DataFrame
    to_optimum: pl.DataFrame
    optima: pl.DataFrame
    summary: pl.DataFrame

    def statistic(self, name: str) -> float:
        """Return the value of one statistic of the summary."""
        return float(self.summary.row(by_predicate=pl.col("statistic") == name, named=True)["value"])


def measure(benchmark: Benchmark) -> LocalityResult:
    """Return every locality measure of a benchmark's reported scores, exact over the full space."""
    space, scores = benchmark.space, benchmark.report
    landscape = Landscape(space, scores)
    optima = landscape.local_optima()
    optima = optima[np.argsort(-scores[optima], kind="stable")]
    return LocalityResult(
        by_distance=_by_distance(benchmark),
        walk=_walk(landscape),
        to_optimum=_to_optimum(benchmark),
        optima=pl.DataFrame(
            {
                INDEX_COLUMN: optima,
                "architecture": space.write(space.rows(optima)),
                "score": scores[optima],
                "basin": _basins(landscape)[optima],
            }
        ),
        summary=_summary(benchmark, landscape, len(optima)),
    )


def top_label(share: float) -> str:
    """Return how a top share is written: 'top 1 %'."""
    return f"top {100 * share:g} %"


def max_pair_distance(space: Space) -> int | None:
    """Return the largest edit distance at which pairs of a space are compared; None for all pairs."""
    return None if space.size <= _ALL_PAIRS else _NEAR


def _by_distance(benchmark: Benchmark) -> pl.DataFrame:
    scores = benchmark.report
    locality = pair_locality(benchmark.space, scores, TOP_SHARES, max_pair_distance(benchmark.space))
    names = [f"P({top_label(share)})" for share in TOP_SHARES]
    rates = locality.top_rate
    measures = [
        ("difference", locality.difference, _mean_absolute_difference(scores)),
        ("correlation", locality.correlation, 0.0),
        *(
            (name, Estimate(rates.value[i], rates.low[i], rates.high[i]), locality.base_rate[i])
            for i, name in enumerate(names)
        ),
    ]
    return pl.concat(
        pl.DataFrame(
            {
                "measure": name,
                "distance": locality.distance,
                "pairs": locality.pairs,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "base": float(base),
            }
        )
        for name, estimate, base in measures
    )


def _mean_absolute_difference(scores: Floats) -> float:
    """Return the mean |difference| over all pairs of architectures (Gini's mean difference), from the sorted scores."""
    ranked = np.sort(scores[~np.isnan(scores)])
    count = len(ranked)
    return float(2 * ((2 * np.arange(1, count + 1) - count - 1) @ ranked) / (count * (count - 1)))


def _walk(landscape: Landscape) -> pl.DataFrame:
    estimate = walk_autocorrelation(landscape)
    lags = np.arange(len(estimate.value))
    return pl.DataFrame({"lag": lags, "value": estimate.value, "low": estimate.low, "high": estimate.high})


def _to_optimum(benchmark: Benchmark) -> pl.DataFrame:
    space, scores = benchmark.space, benchmark.report
    optima = np.flatnonzero(scores == np.nanmax(scores))
    distance = space.distances(space.rows(optima), space.all_rows()).min(axis=0)
    rows = []
    for d in np.unique(distance):
        shell = scores[(distance == d) & ~np.isnan(scores)]
        quantiles = np.quantile(shell, _QUANTILES) if len(shell) else np.full(len(_QUANTILES), np.nan)
        named = {f"q{round(100 * q):02d}": value for q, value in zip(_QUANTILES, quantiles, strict=True)}
        rows.append({"distance": int(d), "networks": len(shell), **named})
    return pl.DataFrame(rows)


def _basins(landscape: Landscape) -> Floats:
    """Return, for each architecture, the share of starts from which steepest ascent ends there."""
    ends = landscape.ascend()[~np.isnan(landscape.scores)]
    return np.bincount(ends, minlength=landscape.size) / len(ends)


def _summary(benchmark: Benchmark, landscape: Landscape, optima: int) -> pl.DataFrame:
    correlation = fitness_distance_correlation(benchmark.space, benchmark.report)
    walk = walk_autocorrelation(landscape, lags=1)
    statistics: dict[str, tuple[float, float | None, float | None]] = {
        "networks": (float(np.count_nonzero(~np.isnan(benchmark.report))), None, None),
        "best": (float(np.nanmax(benchmark.report)), None, None),
        "mean": (float(np.nanmean(benchmark.report)), None, None),
        "fitness-distance correlation": (float(correlation.value), float(correlation.low), float(correlation.high)),
        "walk autocorrelation at lag 1": (float(walk.value[1]), float(walk.low[1]), float(walk.high[1])),
        "correlation length": (float(-1 / np.log(abs(walk.value[1]))), None, None),
        "local optima": (float(optima), None, None),
        "share of starts that reach the global optimum": (landscape.global_reach(), None, None),
    }
    for share in TOP_SHARES:
        best = ExplicitSubspace(benchmark.space, np.flatnonzero(is_top(benchmark.report, share)))
        statistics[f"pockets of the {top_label(share)}"] = (float(pockets(best).max() + 1), None, None)
    return pl.DataFrame(
        [
            {"statistic": name, "value": value, "low": low, "high": high}
            for name, (value, low, high) in statistics.items()
        ],
        schema={"statistic": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
