"""The overview of comparisons: recall against evaluations, the table of methods, and the verdict in sentences."""

import numpy as np
import polars as pl
import pytest
from lissnas.statistics.quality import is_top
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.across_benchmarks.draw_overview import draw_recall
from lissnas_analyses.comparison.across_benchmarks.overview import (
    ALL_LABELS,
    Overview,
    overview,
    read_overview,
    verdict,
    verdicts,
)
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_benchmarks.benchmark import Benchmark


@pytest.fixture(scope="module")
def compared(proteins: Benchmark) -> ComparisonResult:
    return measure.compare(proteins, ("lissnas", "operation-pruning", "random-subset"), runs=3, seed=7)


@pytest.fixture(scope="module")
def shown(compared: ComparisonResult) -> Overview:
    return overview([compared])


def test_a_curve_ends_at_the_result_in_the_table(shown: Overview) -> None:
    for row in shown.table.filter(pl.col("method") != ALL_LABELS).iter_rows(named=True):
        curve = shown.curves.filter(pl.col("method") == row["method"]).sort("round")
        assert curve["round"].to_list() == list(range(1, curve.height + 1))
        last = curve.row(-1, named=True)
        for name in ("recall", "low", "high", "size", "evaluations"):
            assert last[name] == row[name]


def test_selection_by_all_labels_keeps_the_best_selection_scores(
    shown: Overview, compared: ComparisonResult, proteins: Benchmark
) -> None:
    lissnas = compared.runs.filter(
        (pl.col("method") == "lissnas") & (pl.col("round") == pl.col("round").max().over("method"))
    )
    is_best = is_top(proteins.report, 0.01)
    recalls = [
        is_best[np.argsort(-proteins.selection, kind="stable")[:size]].sum() / is_best.sum()
        for size in lissnas["size"].to_list()
    ]
    row = shown.table.row(by_predicate=pl.col("method") == ALL_LABELS, named=True)
    assert row["recall"] == pytest.approx(np.mean(recalls))
    assert (row["evaluations"], row["size"]) == (proteins.space.size, pytest.approx(lissnas["size"].mean()))


def test_a_lead_is_marked_only_if_every_paired_interval_supports_it(compared: ComparisonResult) -> None:
    table = overview([compared]).table
    final = compared.runs.filter(pl.col("round") == pl.col("round").max().over("method", "run"))
    by_method = {
        method: final.filter(pl.col("method") == method).sort("run")["recall_1"].to_numpy()
        for method in compared.methods
    }
    leader = max(by_method, key=lambda method: by_method[method].mean())
    marked = table.filter(pl.col("best"))["method"].to_list()
    always_above = all((by_method[leader] > by_method[other]).all() for other in by_method if other != leader)
    assert marked in ([], [leader])
    assert always_above or marked == []


def _table(**recalls: dict[str, float]) -> pl.DataFrame:
    """Return a table of benchmarks, from the recall of each method."""
    rows = [
        {"benchmark": benchmark, "dataset": "d", "method": method, "series": method, "budget": None, "recall": recall}
        | {"evaluations": 150.0 if method == "kernel" else 900.0, "best": recall == max(methods.values())}
        for benchmark, methods in recalls.items()
        for method, recall in methods.items()
    ]
    return pl.DataFrame(rows)


def test_the_verdict_names_the_winner_its_cost_a_cheaper_method_and_where_the_winner_loses() -> None:
    table = _table(
        a={"lissnas": 0.4, "lissnas-model": 0.9, "kernel": 0.8},
        b={"lissnas": 0.4, "lissnas-model": 0.8, "kernel": 0.7},
        c={"lissnas": 0.5, "lissnas-model": 0.3, "kernel": 0.2},
    )
    assert verdict(table) == (
        "On 2 of 3 benchmarks, lissnas-model keeps the largest share of the top 1 %: 0.80 to 0.90 with 900 "
        "evaluations; kernel keeps more than lissnas on 2 of 3 with 150 evaluations, where lissnas spends 900. "
        "lissnas-model is not the best everywhere: lissnas keeps more on c (0.50, lissnas-model 0.30)."
    )


def test_a_winner_that_was_left_out_of_a_benchmark_has_a_verdict() -> None:
    table = _table(a={"lissnas": 0.4, "kernel": 0.9}, b={"lissnas": 0.4, "kernel": 0.8}, c={"lissnas": 0.5})
    assert verdict(table).endswith(
        "kernel is not the best everywhere: lissnas keeps more on c (0.50, kernel was left out)."
    )


def test_a_verdict_over_one_method_is_empty(shown: Overview) -> None:
    assert verdict(shown.table.filter(pl.col("method") == "lissnas")) == ""


def test_an_overview_from_files_has_the_budgets_and_takes_files_without_any(
    proteins: Benchmark, shown: Overview
) -> None:
    methods = ("lissnas", "operation-pruning")
    of_budgets = overview([measure.compare(proteins, methods, runs=2, seed=7, evaluations=(50, 400))])
    read = read_overview([of_budgets.curves], [of_budgets.table])
    for budget, table in of_budgets.by_budget.items():
        names = ["method", "recall", "evaluations"]
        assert read.by_budget[budget].select(names).equals(table.select(names))
    old = [frame.drop("series", "budget") for frame in (shown.curves, shown.table)]
    assert verdicts(read_overview([old[0]], [old[1]])) == verdicts(shown)


def test_each_benchmark_has_a_panel(shown: Overview) -> None:
    other = Overview(*(frame.with_columns(benchmark=pl.lit("other")) for frame in (shown.curves, shown.table)))
    both = Overview(pl.concat([shown.curves, other.curves]), pl.concat([shown.table, other.table]))
    assert [axes.get_title() for axes in draw_recall(both).axes] == [
        "nas-bench-graph-proteins",
        "other, proteins",
    ]
