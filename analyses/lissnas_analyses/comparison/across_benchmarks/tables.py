"""The tables that a terminal shows: the methods on one benchmark, and the methods by several benchmarks."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

import polars as pl
from lissnas_benchmarks.benchmark import subject

from lissnas_analyses.comparison.across_benchmarks.overview import Overview
from lissnas_analyses.comparison.describe import difference_words, over_runs
from lissnas_analyses.comparison.measure import ComparisonResult

_GAP = "  "

_STATISTICS = {"evaluations": ("evaluations", ",.0f"), "size": ("networks kept", ",.0f"), "mean": ("their mean", ".2f")}
"""Statistics in the table of one benchmark, each with its heading and format."""


def method_table(result: ComparisonResult, width: int) -> tuple[str, ...]:
    """Return the results of all methods on one benchmark as the lines of a table, and what was counted.

    The column "vs" is the paired comparison with the first method.

    Parameters
    ----------
    result
        The comparison.
    width
        Number of characters in a line. Columns that do not fit are left out, the last ones first.
    """
    first, *others = result.methods
    final = {method: result.final_row(method, "recall_1") for method in result.methods}
    columns = [["method", *result.methods]]
    columns.append(["recall of the top 1 %", *map("{mean:.2f} [{low:.2f}, {high:.2f}]".format_map, final.values())])
    if others:
        differences = result.paired.filter(pl.col("statistic") == "recall_1")
        found = {row["method"]: difference_words(row["low"], row["high"]) for row in differences.iter_rows(named=True)}
        words = (found[method].replace("no significant difference", "not significant") for method in others)
        columns.append([f"vs {first}", "", *words])
    statistics = dict(_STATISTICS)
    if unit := result.benchmark.unit:
        statistics["mean"] = f"their mean ({unit})", ".2f"
    if not result.benchmark.is_sample:  # most neighbors are missing, so that pockets mean nothing
        statistics["pockets"] = "pockets", ".1f"
    for name, (heading, form) in statistics.items():
        columns.append([heading, *(format(result.final(method, name)[0], form) for method in result.methods)])
    return (
        *_aligned(columns, width, words=(0, 2) if others else (0,)),
        *(f"{method}: {over_runs(row)}" for method, row in final.items() if row["failed"]),
        str(result.counted),
        *(f"{method} was left out: {reason}" for method, reason in result.left_out.items()),
    )


def benchmark_table(shown: Overview, width: int) -> tuple[str, ...]:
    """Return the methods by benchmarks as the lines of a table, one table for each budget.

    A cell has the recall of the top 1 % and in parentheses the networks kept and the evaluations. Benchmarks that do
    not fit into a line of `width` characters follow below.
    """
    lines = ["recall of the top 1 % (networks kept, evaluations); *: above every other method by the paired interval"]
    for budget, table in shown.tables.items():
        lines += [] if budget is None else [f"budget of {budget:,} evaluations:"]
        methods = ["", *table["method"].unique(maintain_order=True)]
        left = []
        for (benchmark, dataset), rows in table.group_by("benchmark", "dataset", maintain_order=True):
            cells = {row["method"]: _cell(row) for row in rows.iter_rows(named=True)}
            heading = subject(str(benchmark), str(dataset))
            left.append([heading, *(cells.get(method, "left out") for method in methods[1:])])
        while left:
            now = max(1, _number_that_fits([methods, *left], width) - 1)
            lines += _aligned([methods, *left[:now]], width, words=range(now + 1))
            left = left[now:]
    return tuple(lines)


def _cell(row: dict[str, Any]) -> str:
    best = "*" if row["best"] else " "
    return f"{row['recall']:.2f}{best} ({row['size']:,.0f}, {row['evaluations']:,.0f})"


def _aligned(columns: Sequence[Sequence[str]], width: int, words: Collection[int]) -> list[str]:
    """Return columns as lines of text; those whose places are in `words` are aligned on the left."""
    aligned = []
    for place, column in enumerate(columns[: _number_that_fits(columns, width)]):
        widest = max(map(len, column))
        aligned.append([cell.ljust(widest) if place in words else cell.rjust(widest) for cell in column])
    return [_GAP.join(cells).rstrip() for cells in zip(*aligned, strict=True)]


def _number_that_fits(columns: Sequence[Sequence[str]], width: int) -> int:
    """Return the number of columns that fit into a line, at least 1."""
    ends = accumulate(max(map(len, column)) + len(_GAP) for column in columns)
    return max(1, sum(end - len(_GAP) <= width for end in ends))
