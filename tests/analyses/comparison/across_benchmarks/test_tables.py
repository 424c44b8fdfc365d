"""The tables of a terminal: they agree with the numbers, and fit into its width."""

from dataclasses import replace

import polars as pl
import pytest
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.across_benchmarks.overview import Overview, optimism, overview
from lissnas_analyses.comparison.across_benchmarks.tables import benchmark_table, method_table
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_benchmarks.benchmark import Benchmark


@pytest.fixture(scope="module")
def compared(proteins: Benchmark) -> ComparisonResult:
    return measure.compare(proteins, ("lissnas", "operation-pruning", "random-subset"), runs=3, seed=7)


@pytest.mark.parametrize(("width", "last"), [(130, "pockets"), (105, "their mean (%)"), (10, "method")])
def test_the_table_of_one_benchmark_leaves_out_the_last_columns_that_do_not_fit(
    compared: ComparisonResult, width: int, last: str
) -> None:
    heading, *lines, counted = method_table(compared, width)
    assert heading.endswith(last)
    assert [line.split()[0] for line in lines] == list(compared.methods)
    assert counted == str(compared.counted)
    if width == 130:
        for method, line in zip(compared.methods, lines, strict=True):
            assert f"{compared.final(method, 'evaluations')[0]:,.0f}" in line.split()
            assert line.split()[-1] == f"{compared.final(method, 'pockets')[0]:.1f}"


def test_methods_by_benchmarks_have_all_three_numbers_and_a_mark_for_the_best(compared: ComparisonResult) -> None:
    shown = overview([compared])
    is_first = pl.col("method") == "lissnas"
    first = shown.table.with_columns(best=is_first)
    left_out = first.filter(~is_first).with_columns(benchmark=pl.lit("other"))
    several = Overview(shown.curves, pl.concat([first, left_out]))
    row = first.row(by_predicate=is_first, named=True)
    numbers = f"{row['recall']:.2f}* ({row['size']:,.0f}, {row['evaluations']:,.0f})"
    wide, narrow = (benchmark_table(several, width) for width in (120, 60))
    assert wide[1].split(maxsplit=1) == ["nas-bench-graph-proteins", "other, proteins"], wide[1]
    assert [cell.strip() for cell in wide[2].split("   ") if cell.strip()] == ["lissnas", numbers, "left out"], wide[2]
    assert len(narrow) - 1 == 2 * (len(wide) - 1)
    assert all(len(line) <= 60 for line in narrow[1:])


def test_a_benchmark_with_one_accuracy_for_both_is_named(compared: ComparisonResult, proteins: Benchmark) -> None:
    assert optimism(overview([compared])) == ()
    same = replace(compared, benchmark=replace(proteins, selects=proteins.reports, selection=proteins.report))
    [sentence] = optimism(overview([same]))
    assert "selects and reports on nas-bench-graph-proteins: " in sentence
