"""Which method keeps the best architectures, and at what cost: one curve and one table for several comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from lissnas.statistics.quality import is_top
from lissnas.statistics.repeated_runs import mean_over_runs

from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.summarize import paired_differences

ALL_LABELS = "all labels"
"""Name of the reference that keeps the architectures with the highest selection scores of the full space."""


@dataclass(frozen=True)
class Overview:
    """Several comparisons side by side.

    Attributes
    ----------
    curves
        One row for each benchmark, method and round, without round 0: the mean recall of the top 1 % with its 95 %
        interval, against the mean number of evaluations. Columns: benchmark, dataset, method, round, evaluations,
        size, recall, low, high, runs.
    table
        One row for each benchmark and method, and one for selection by all labels: the recall of the result with its 95
        % interval and median, the mean number of architectures kept and of evaluations, the number of runs and of
        failed runs, and whether the method is the best. A method is the best if it has the highest mean recall and the
        paired interval of its difference to every other method excludes 0. Columns: benchmark, dataset, method, recall,
        low, high, median, size, evaluations, runs, failed, best.
    """

    curves: pl.DataFrame
    table: pl.DataFrame


def overview(results: Sequence[ComparisonResult]) -> Overview:
    """Return the recall of the top 1 % of several comparisons, against evaluations and as a table.

    Raises ValueError if `results` is empty.
    """
    curves = [_named(result, _curve(result)) for result in results]
    return Overview(pl.concat(curves), pl.concat([_named(result, _table(result)) for result in results]))


def verdict(table: pl.DataFrame) -> str:
    """Return two sentences: which method wins on most benchmarks, at what cost, and where it does not win.

    Parameters
    ----------
    table
        That of an `Overview`.
    """
    methods = table.filter(~pl.col("method").is_in([ALL_LABELS, "random-subset"]))
    groups = methods.group_by("benchmark", "dataset", maintain_order=True)
    first = [group.sort("recall", descending=True, maintain_order=True).row(0, named=True) for _, group in groups]
    if methods["method"].n_unique() < 2:
        return ""
    wins = [row["method"] for row in first]
    winner = max(dict.fromkeys(wins), key=wins.count)
    won = pl.DataFrame([row for row in first if row["method"] == winner])
    where = f"{won.height} of {len(first)} benchmarks" if len(first) > 1 else str(first[0]["benchmark"])
    sentence = (
        f"On {where}, {winner} keeps the largest share of the top 1 %: {_spread(won['recall'], '.2f')} with "
        f"{_spread(won['evaluations'], ',.0f')} evaluations{_cheaper_method(winner, methods)}."
    )
    lost = [row for row in first if row["method"] != winner]
    if lost:
        of_winner = methods.filter(pl.col("method") == winner)
        own = {(row["benchmark"], row["dataset"]): f"{row['recall']:.2f}" for row in of_winner.iter_rows(named=True)}
        cases = "; ".join(
            f"{row['method']} keeps more on {row['benchmark']} ({row['recall']:.2f}, {winner} "
            f"{own.get((row['benchmark'], row['dataset']), 'was left out')}"
            f"{'' if row['best'] else ', no significant difference'})"
            for row in lost
        )
        return f"{sentence} {winner} is not the best everywhere: {cases}."
    unclear = [row["benchmark"] for row in first if not row["best"]]
    if unclear:
        return f"{sentence} On {', '.join(unclear)} its lead over the next method is not significant."
    return f"{sentence} Its lead over every other method is significant on each."


def _named(result: ComparisonResult, frame: pl.DataFrame) -> pl.DataFrame:
    names = pl.lit(result.benchmark.name).alias("benchmark"), pl.lit(result.benchmark.dataset).alias("dataset")
    return frame.select(*names, pl.all())


def _curve(result: ComparisonResult) -> pl.DataFrame:
    rounds = result.rounds.filter(pl.col("round") > 0)
    recall = rounds.filter(pl.col("statistic") == "recall_1").select(
        "method", "round", pl.col("mean").alias("recall"), "low", "high", "runs"
    )
    for name in ("evaluations", "size"):
        means = rounds.filter(pl.col("statistic") == name).select("method", "round", pl.col("mean").alias(name))
        recall = recall.join(means, on=["method", "round"], maintain_order="left")
    return recall.select("method", "round", "evaluations", "size", "recall", "low", "high", "runs")


def _table(result: ComparisonResult) -> pl.DataFrame:
    best = _best_method(result)
    rows: list[dict[str, Any]] = []
    for method in result.methods:
        recall = result.final_row(method, "recall_1")
        size, spent = (result.final(method, name)[0] for name in ("size", "evaluations"))
        rows.append(
            {"method": method, "recall": recall["mean"], "low": recall["low"], "high": recall["high"]}
            | {"median": recall["median"], "size": size, "evaluations": spent, "runs": recall["runs"]}
            | {"failed": recall["failed"], "best": method == best}
        )
    rows.append(_all_labels(result))
    numbers = dict.fromkeys(("recall", "low", "high", "median", "size", "evaluations"), pl.Float64())
    counts = dict.fromkeys(("runs", "failed"), pl.Int64())
    return pl.DataFrame(rows, schema={"method": pl.String(), **numbers, **counts, "best": pl.Boolean()})


def _best_method(result: ComparisonResult) -> str | None:
    """Return the method whose recall is significantly above that of every other method, or None."""
    if len(result.methods) < 2:
        return None
    leader = max(result.methods, key=lambda method: result.final(method, "recall_1")[0])
    is_leader = pl.col("method") == leader
    leader_first = pl.concat([result.runs.filter(is_leader), result.runs.filter(~is_leader)])
    differences = paired_differences(leader_first, ("recall_1",))
    return leader if (differences["high"] < 0).all() else None


def _all_labels(result: ComparisonResult) -> dict[str, Any]:
    """Return the row of selection by all labels: as many architectures as the first method keeps in each run."""
    benchmark, first = result.benchmark, result.runs.filter(pl.col("method") == result.methods[0])
    sizes = first.sort("round").group_by("run", maintain_order=True).last()["size"].to_numpy()
    best_first = np.argsort(-np.nan_to_num(benchmark.selection, nan=-np.inf), kind="stable")
    hits = np.cumsum(is_top(benchmark.report, 0.01)[best_first])
    recalls = hits[sizes - 1] / hits[-1]
    recall = mean_over_runs(recalls)
    return {
        "method": ALL_LABELS,
        "recall": float(recall.value),
        "low": float(recall.low),
        "high": float(recall.high),
        "median": float(np.median(recalls)),
        "size": float(sizes.mean()),
        "evaluations": float(np.count_nonzero(~np.isnan(benchmark.selection))),
        "runs": len(sizes),
        "failed": int(np.count_nonzero(sizes == benchmark.space.size)),
        "best": False,
    }


def _spread(values: pl.Series, form: str) -> str:
    """Return the smallest and largest value in words: "0.41 to 0.90"."""
    low, high = (format(value, form) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _cheaper_method(winner: str, methods: pl.DataFrame) -> str:
    """Return which method keeps more than LISSNAS for at most half the evaluations, as the end of a sentence."""
    keys = ["benchmark", "dataset"]
    lissnas = methods.filter(pl.col("method") == "lissnas").select(*keys, rival="recall", spent="evaluations")
    others = methods.filter(~pl.col("method").is_in(["lissnas", winner])).join(lissnas, on=keys)
    counted = (
        others.group_by("method", maintain_order=True)
        .agg(
            wins=(pl.col("recall") > pl.col("rival")).sum(),
            benchmarks=pl.len(),
            is_cheap=(pl.col("evaluations") <= pl.col("spent") / 2).all(),
            evaluations=pl.col("evaluations").max(),
        )
        .filter(pl.col("is_cheap") & (2 * pl.col("wins") > pl.col("benchmarks")))
        .sort("wins", "evaluations", descending=[True, False], maintain_order=True)
    )
    if counted.is_empty():
        return ""
    row = counted.row(0, named=True)
    own = others.filter(pl.col("method") == row["method"])
    where = f" on {row['wins']} of {row['benchmarks']}" if row["benchmarks"] > 1 else ""
    return (
        f"; {row['method']} keeps more than lissnas{where} with {_spread(own['evaluations'], ',.0f')} evaluations, "
        f"where lissnas spends {_spread(own['spent'], ',.0f')}"
    )
