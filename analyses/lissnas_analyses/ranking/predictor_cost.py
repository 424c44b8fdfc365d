"""Measure the cost of a predictor: what is lost when a predictor's scores select instead of the benchmark's.

The same methods run with the same seeds, once selected by the predictor and once by the benchmark.
"""

from dataclasses import dataclass

import polars as pl
from lissnas.statistics.repeated_runs import mean_over_runs

from lissnas_analyses.comparison.measure import ComparisonResult

_MAXIMA = {"recall_1": 1.0, "lift_1": 100.0}
"""The compared statistics, each with its largest possible value."""


@dataclass(frozen=True)
class PredictorCost:
    """The data of the predictor-cost figure.

    Attributes
    ----------
    runs
        One row per method, selector ("predictor" or "benchmark") and run: size_ratio, recall_1 and lift_1 of the
        shrunk space.
    means
        One row per method, selector and statistic (recall_1, lift_1): the mean over runs with its 95 % interval, and
        the mean size_ratio, which equals the recall of a random subset of that size.
    """

    runs: pl.DataFrame
    means: pl.DataFrame


def compare_selections(by_predictor: ComparisonResult, by_benchmark: ComparisonResult) -> PredictorCost:
    """Return results of the same methods and seeds side by side, selected by a predictor and by the benchmark.

    A method that either comparison left out is left out.
    """
    in_both = pl.col("method").is_in(by_benchmark.methods) & pl.col("method").is_in(by_predictor.methods)
    runs = pl.concat(
        comparison.runs.filter(in_both, pl.col("round") == pl.col("round").max().over("method")).select(
            "method", pl.lit(selector).alias("selected_by"), "run", "size_ratio", "recall_1", "lift_1"
        )
        for selector, comparison in (("predictor", by_predictor), ("benchmark", by_benchmark))
    )
    rows = []
    for (method, selector), group in runs.group_by(["method", "selected_by"], maintain_order=True):
        for name, largest in _MAXIMA.items():
            mean = mean_over_runs(group[name].to_numpy())
            rows.append(
                {"method": method, "selected_by": selector, "statistic": name, "mean": float(mean.value)}
                | {"low": max(float(mean.low), 0.0), "high": min(float(mean.high), largest)}
                | {"size_ratio": float(group["size_ratio"].to_numpy().mean()), "runs": group.height}
            )
    return PredictorCost(runs, pl.DataFrame(rows))
