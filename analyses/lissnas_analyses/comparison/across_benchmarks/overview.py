"""Which method keeps the best architectures, and at what cost: one curve and one table for several comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
        interval, against the mean number of evaluations. Columns: benchmark, dataset, method, series (the method
        without its budget), budget (the given evaluations, null for those of LISSNAS), round, evaluations, size,
        recall, low, high, runs.
    table
        One row for each benchmark and method, and one for selection by all labels: the recall of the result with its 95
        % interval and median, the mean number of architectures kept and of evaluations, the number of runs and of
        failed runs, and whether the method is the best. A method is the best if it has the highest mean recall and the
        paired interval of its difference to every other method excludes 0. Columns: benchmark, dataset, method, series,
        budget, recall, low, high, median, size, evaluations, runs, failed, best. With several budgets, methods compete
        with those of their budget, and a method without a budget with all.
    counted
        One row for each benchmark: the columns of `ScoreCounts`.
    by_budget
        The table for each budget, if several were given: the methods with it, called by their series, and those without
        a budget.
    has_given_size
        Whether the size was given, so that LISSNAS does not decide it.
    optimistic
        The benchmarks with one accuracy that both selects and reports.
    """

    curves: pl.DataFrame
    table: pl.DataFrame
    counted: pl.DataFrame = field(default_factory=pl.DataFrame)
    by_budget: dict[int, pl.DataFrame] = field(default_factory=dict)
    has_given_size: bool = False
    optimistic: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[int | None, pl.DataFrame]:
        """The tables in which methods compete: one for each budget, or a single one under None."""
        return dict(self.by_budget.items()) if self.by_budget else {None: self.table}


def overview(results: Sequence[ComparisonResult]) -> Overview:
    """Return the recall of the top 1 % of several comparisons, against evaluations and as a table.

    Raises ValueError if `results` is empty.
    """
    budgets = sorted({budget for result in results for budget in result.evaluations})
    by_budget: dict[int, pl.DataFrame] = {}
    for budget in budgets if len(budgets) > 1 else ():
        tables = pl.concat([_named(result, _table(result, _of_budget(result, budget))) for result in results])
        by_budget[budget] = tables.with_columns(method="series")
    return Overview(
        pl.concat([_named(result, _curve(result)) for result in results]),
        pl.concat([_named(result, _table(result, result.methods)) for result in results]),
        pl.concat([_named(result, pl.DataFrame([result.counted.row])) for result in results]),
        by_budget,
        any(result.size is not None for result in results),
        tuple(result.benchmark.subject for result in results if result.benchmark.selects == result.benchmark.reports),
    )


def read_overview(
    curves: Sequence[pl.DataFrame], tables: Sequence[pl.DataFrame], optimistic: Sequence[str] = ()
) -> Overview:
    """Return the overview of comparisons from their tables `recall` and `methods`, as they are in files.

    Files of earlier versions have no budgets. Of a method without a budget it is not known whether it is the best at
    each of several budgets, but whether it is the best of all.
    """
    curve = pl.concat(map(_with_budget, curves), how="diagonal")
    table = pl.concat(map(_with_budget, tables), how="diagonal")
    budgets = table["budget"].drop_nulls().unique().sort().to_list()
    by_budget = {
        budget: table.filter(pl.col("budget").is_null() | (pl.col("budget") == budget)).with_columns(method="series")
        for budget in (budgets if len(budgets) > 1 else ())
    }
    return Overview(curve, table, by_budget=by_budget, optimistic=tuple(optimistic))


def _with_budget(frame: pl.DataFrame) -> pl.DataFrame:
    if "series" in frame.columns:
        return frame
    return frame.with_columns(series="method", budget=pl.lit(None, pl.Int64))


def verdicts(overview: Overview) -> tuple[str, ...]:
    """Return the verdict, or with several budgets one for each; none if there is only one method."""
    found = ((budget, verdict(table)) for budget, table in overview.tables.items())
    return tuple(said if budget is None else f"Budget of {budget:,}: {said}" for budget, said in found if said)


def optimism(overview: Overview) -> tuple[str, ...]:
    """Return a sentence with the benchmarks on which one accuracy both selects and reports; none if there are none."""
    if not overview.optimistic:
        return ()
    return (f"One accuracy both selects and reports on {', '.join(overview.optimistic)}: recall there is optimistic.",)


def verdict(table: pl.DataFrame) -> str:
    """Return two sentences: which method wins on most benchmarks, at what cost, and where it does not win.

    Parameters
    ----------
    table
        That of an `Overview`, or of one of its budgets.
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
    names = pl.DataFrame(
        [(label, point.method, point.evaluations) for label, point in result.points.items()],
        schema={"method": pl.String(), "series": pl.String(), "budget": pl.Int64()},
        orient="row",
    )
    recall = recall.join(names, on="method", maintain_order="left")
    for name in ("evaluations", "size"):
        means = rounds.filter(pl.col("statistic") == name).select("method", "round", pl.col("mean").alias(name))
        recall = recall.join(means, on=["method", "round"], maintain_order="left")
    return recall.select("method", "series", "budget", "round", "evaluations", "size", "recall", "low", "high", "runs")


def _of_budget(result: ComparisonResult, budget: int | None) -> tuple[str, ...]:
    """Return the methods with a budget, and those without any."""
    return tuple(label for label, point in result.points.items() if point.evaluations in (None, budget))


def _table(result: ComparisonResult, methods: Sequence[str]) -> pl.DataFrame:
    """Return the rows of some methods, and of selection by all labels."""
    best = _best_methods(result, methods)
    rows: list[dict[str, Any]] = []
    for method in methods:
        recall = result.final_row(method, "recall_1")
        size, spent = (result.final(method, name)[0] for name in ("size", "evaluations"))
        point = result.points[method]
        rows.append(
            {"method": method, "series": point.method, "budget": point.evaluations}
            | {"recall": recall["mean"], "low": recall["low"], "high": recall["high"]}
            | {"median": recall["median"], "size": size, "evaluations": spent, "runs": recall["runs"]}
            | {"failed": recall["failed"], "best": method in best}
        )
    rows.append(_all_labels(result))
    numbers = dict.fromkeys(("recall", "low", "high", "median", "size", "evaluations"), pl.Float64())
    counts = dict.fromkeys(("runs", "failed"), pl.Int64())
    texts = dict.fromkeys(("method", "series"), pl.String())
    return pl.DataFrame(rows, schema={**texts, "budget": pl.Int64(), **numbers, **counts, "best": pl.Boolean()})


def _best_methods(result: ComparisonResult, methods: Sequence[str]) -> set[str]:
    """Return the methods whose recall is significantly above that of every other method of the same budget.

    A method without a budget must be the best among all.
    """
    best = set[str]()
    for budget in {result.points[method].evaluations for method in methods}:
        rivals = [method for method in methods if budget is None or result.points[method].evaluations in (None, budget)]
        leader = max(rivals, key=lambda method: result.final(method, "recall_1")[0])
        is_leader = pl.col("method") == leader
        others = result.runs.filter(pl.col("method").is_in(rivals) & ~is_leader)
        differences = paired_differences(pl.concat([result.runs.filter(is_leader), others]), ("recall_1",))
        if (
            not differences.is_empty()
            and (differences["high"] < 0).all()
            and result.points[leader].evaluations == budget
        ):
            best.add(leader)
    return best


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
        "series": ALL_LABELS,
        "budget": None,
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
