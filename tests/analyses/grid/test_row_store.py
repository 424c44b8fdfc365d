"""What a comparison tells beside its rounds: methods run by run, and what is inside the spaces that they keep."""

import numpy as np
import polars as pl
import pytest
from lissnas.statistics.diversity import diversity
from lissnas.statistics.quality import expected_best
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.kept_space import draw_inside
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.paired import draw_paired, paired
from lissnas_benchmarks.benchmark import Benchmark
from scipy import stats

RUNS = 3


@pytest.fixture(scope="module")
def compared(proteins: Benchmark) -> ComparisonResult:
    return measure.compare(proteins, RUNS, 7)


def _runs() -> pl.DataFrame:
    """Two methods of three runs; the second method's last round is its third."""
    rows = [("a", run, 1, float(run)) for run in range(3)]
    rows += [("b", run, number, run + 0.5 + number * 10) for number in (1, 2) for run in range(3)]
    return pl.DataFrame(rows, schema=["method", "run", "round", "recall"], orient="row")


def test_results_are_paired_by_their_run() -> None:
    row = paired(_runs(), ("recall",)).row(0, named=True)
    assert (row["method"], row["reference"], row["difference"], row["higher"], row["runs"]) == ("b", "a", 20.5, 1, 3)
    # The two differ by the same in every run.
    assert (row["low"], row["high"]) == pytest.approx((20.5, 20.5))


def test_a_single_method_has_nothing_to_be_paired_with() -> None:
    assert paired(_runs().filter(pl.col("method") == "a"), ("recall",)).is_empty()


def test_paired_differences_have_the_interval_of_a_paired_t_test(compared: ComparisonResult) -> None:
    last = compared.runs.sort("round").group_by("method", "run", maintain_order=True).last().sort("run")
    ours, theirs = (
        last.filter(pl.col("method") == method)["mean"].to_numpy() for method in ("lissnas", "operation-pruning")
    )
    chosen = (pl.col("method") == "operation-pruning") & (pl.col("figure") == "mean")
    row = compared.paired.row(by_predicate=chosen, named=True)
    expected = stats.ttest_rel(theirs, ours).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))


def test_what_a_search_finds_is_the_mean_of_the_exact_expectations(
    compared: ComparisonResult, proteins: Benchmark
) -> None:
    results = [measure.traces(proteins, measure.METHODS, 7, run)["lissnas"].subspace for run in range(RUNS)]
    rows = compared.inside.search.filter(pl.col("method") == "lissnas")
    expected = np.mean(
        [expected_best(proteins.report[subspace.index], rows["draws"].to_numpy()) for subspace in results], axis=0
    )
    np.testing.assert_allclose(rows["value"], expected)
    genes = compared.inside.genes.filter(pl.col("method") == "lissnas")
    np.testing.assert_allclose(genes["operations"], np.mean([diversity(one).operations for one in results], axis=0))


def test_one_random_draw_of_the_whole_space_finds_its_mean(compared: ComparisonResult, proteins: Benchmark) -> None:
    whole = compared.inside.search.filter(pl.col("method") == "whole-space")
    assert whole.filter(pl.col("draws") == 1)["value"][0] == pytest.approx(proteins.report.mean())


def test_intervals_end_where_figures_do(compared: ComparisonResult, proteins: Benchmark) -> None:
    search, genes = compared.inside.search, compared.inside.genes
    assert search["high"].drop_nans().max() <= proteins.report.max()
    assert genes.select(pl.max_horizontal(pl.col("entropy_high", "operations_high").max())).item() <= 1
    assert genes.select(pl.min_horizontal(pl.col("entropy_low", "operations_low").min())).item() >= 0


def test_pockets_are_shares_of_what_is_kept(compared: ComparisonResult) -> None:
    for _, rows in compared.inside.pockets.group_by("method"):
        shares = rows.sort("place")["value"].to_numpy()
        assert (np.diff(shares) <= 1e-12).all()
        assert 0 < shares.sum() <= 1 + 1e-12


def test_every_figure_of_quality_is_averaged(compared: ComparisonResult) -> None:
    figures = set(compared.rounds["figure"].unique())
    assert figures == set(compared.runs.columns) - {"method", "run", "round", "stopped"}


def test_pairs_and_insides_are_drawn(compared: ComparisonResult, proteins: Benchmark) -> None:
    assert len(draw_paired(compared.paired, proteins).axes) == 6
    assert len(draw_inside(compared.inside, proteins, RUNS).axes) == 4
