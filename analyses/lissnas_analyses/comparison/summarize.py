"""Summaries of the rows of a comparison: rounds, means, paired differences, and distributions of scores."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import Quality
from lissnas.statistics.repeated_runs import mean_over_runs, paired_difference
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.failed_runs import FAILED
from lissnas_analyses.grid.run_grid import Row

LEFT_OUT = 0.15
"""Share of the full space, its worst architectures, that the distributions of scores leave out."""

STATISTIC_RANGES = {
    "recall_1": (0, 1),
    "recall_5": (0, 1),
    "lift_1": (0, np.inf),
    "lift_5": (0, np.inf),
    "mean": (-np.inf, np.inf),
    "best": (-np.inf, np.inf),
    "best_of_10": (-np.inf, np.inf),
    "shrinkage_score": (-np.inf, 1),
    "size": (0, np.inf),
    "diversity": (0, 1),
    "entropy": (0, 1),
    "pockets": (1, np.inf),
    "evaluations": (0, np.inf),
    "size_ratio": (0, 1),
    "lower_quartile": (-np.inf, np.inf),
    "median": (-np.inf, np.inf),
    "upper_quartile": (-np.inf, np.inf),
    "largest_pocket": (0, 1),
}
"""Smallest and largest possible value of each statistic; intervals end there."""

_SCORES = 256
"""Number of scores at which the distributions are computed."""


def rows_by_run(rows: pl.DataFrame, methods: Sequence[str]) -> dict[str, list[list[Row]]]:
    """Return the rows of each method, run by run, in the order of the rounds."""
    by_run: dict[str, list[list[Row]]] = {}
    for method in methods:
        of_method = rows.filter(pl.col("method") == method).partition_by("run", maintain_order=True)
        by_run[method] = [list(of_run.iter_rows(named=True)) for of_run in of_method]
    return by_run


def rounds_of_runs(rows: dict[str, list[list[Row]]]) -> pl.DataFrame:
    """Return one row per method, run and round, up to the last round of any run of the method."""
    names = ("evaluations", *(field.name for field in fields(Quality)))
    carried: list[Row] = []
    for method, runs in rows.items():
        length = max(map(len, runs))
        for run, rounds in enumerate(runs):
            for number in range(length):
                reached = rounds[min(number, len(rounds) - 1)]
                stopped = number > len(rounds) - 1
                carried.append(
                    {"method": method, "run": run, "round": number, "stopped": stopped}
                    | {name: reached[name] for name in names}
                )
    return pl.DataFrame(carried)


def means_of_rounds(runs: pl.DataFrame) -> pl.DataFrame:
    """Return one row per method, round and statistic, over the runs.

    Columns mean, low, high (its interval), median, q25, q75 (the quartiles), runs, active (the number that had not
    stopped) and failed (the number that had the full space).
    """
    frames = []
    smallest, largest = np.array(list(STATISTIC_RANGES.values())).T
    for (method, number), group in runs.group_by(["method", "round"], maintain_order=True):
        values = group.select(pl.col(list(STATISTIC_RANGES)).cast(pl.Float64)).to_numpy()
        estimate = mean_over_runs(values)
        q25, median, q75 = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        columns = {"mean": estimate.value, "low": np.maximum(estimate.low, smallest)}
        columns |= {"high": np.minimum(estimate.high, largest), "median": median, "q25": q25, "q75": q75}
        counts = {"runs": group.height, "active": int((~group["stopped"]).sum())}
        counts |= {"failed": group.filter(FAILED).height}
        frames.append(
            pl.DataFrame({"statistic": list(STATISTIC_RANGES)} | columns).select(
                pl.lit(method).alias("method"),
                pl.lit(number, pl.Int64).alias("round"),
                pl.all(),
                *(pl.lit(count, pl.Int64).alias(name) for name, count in counts.items()),
            )
        )
    return pl.concat(frames)


def paired_differences(runs: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Return one row per method and statistic: the difference of its results to those of the first method.

    Parameters
    ----------
    runs
        One row per method, run and round, with a column for each statistic; the last round is the result.
    names
        The names of the statistics.

    Returns
    -------
    Columns method, reference, figure, difference, low, high (its 95 % interval), higher (the share of runs in
    which the method has the higher value) and runs. No rows for a single method.
    """
    last = runs.sort("round").group_by("method", "run", maintain_order=True).last()
    reference, *others = runs["method"].unique(maintain_order=True).to_list()
    final = {method: last.filter(pl.col("method") == method).sort("run") for method in (reference, *others)}
    rows: list[dict[str, object]] = []
    for method in others:
        for name in names:
            first, second = (final[each][name].to_numpy().astype(np.float64) for each in (method, reference))
            estimate = paired_difference(first, second)
            rows.append(
                {"method": method, "reference": reference, "statistic": name, "difference": float(estimate.value)}
                | {"low": float(estimate.low), "high": float(estimate.high)}
                | {"higher": float((first > second).mean()), "runs": len(first)}
            )
    texts = dict.fromkeys(("method", "reference", "statistic"), pl.String())
    numbers = dict.fromkeys(("difference", "low", "high", "higher"), pl.Float64())
    return pl.DataFrame(rows, schema={**texts, **numbers, "runs": pl.Int64()})


def distribution_scores(benchmark: Benchmark) -> Floats:
    """Return the scores at which distributions are computed, ascending, shape (256,)."""
    measured = benchmark.report[~np.isnan(benchmark.report)]
    return np.linspace(np.quantile(measured, LEFT_OUT), measured.max(), _SCORES)


def distributions(benchmark: Benchmark, rows: dict[str, list[list[Row]]]) -> pl.DataFrame:
    """Return one row per method, round and score: the mean share of architectures below, and its interval."""
    scores = distribution_scores(benchmark)
    frames = [_distribution("full-space", 0, scores, share_below(benchmark.report, scores)[None])]
    for method, runs in rows.items():
        for number in range(1, max(map(len, runs))):
            shares = [rounds[min(number, len(rounds) - 1)]["share_below"] for rounds in runs]
            frames.append(_distribution(method, number, scores, np.array(shares)))
    return pl.concat(frames)


def share_below(reported: Floats, scores: Floats) -> Floats:
    """Return the share of the measured scores at or below each score, shape (scores,)."""
    measured = np.sort(reported[~np.isnan(reported)])
    return np.searchsorted(measured, scores, side="right") / len(measured)


def _distribution(method: str, number: int, scores: Floats, shares: Floats) -> pl.DataFrame:
    below = mean_over_runs(shares)
    columns = {"score": scores, "share_below": below.value, "low": below.low, "high": below.high}
    return pl.DataFrame({"method": [method] * len(scores), "round": [number] * len(scores)} | columns)
