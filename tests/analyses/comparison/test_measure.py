"""Comparisons: differences run by run, the contents of the kept spaces, and stored runs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from counting_workers import CountingWorkers
from lissnas.errors import LissnasError, SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.operation_pruning import OperationPruning
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.shrinkers.shrink import SHRINKERS, Trace, shrink
from lissnas.statistics.diversity import diversity
from lissnas.statistics.quality import expected_best
from lissnas.storage.random_streams import named_generator
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.describe import comparison_sentences
from lissnas_analyses.comparison.draw import draw_paired
from lissnas_analyses.comparison.draw_kept_space import draw_kept_spaces
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.summarize import paired_differences
from lissnas_analyses.grid.workers import Workers
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.predictor_file import PredictedScores
from scipy import stats

RUNS = 3

METHODS = ("lissnas", "operation-pruning", "random-subset")
"""Methods without a Gaussian process, whose fits take most of the time of the default methods."""


@pytest.fixture(scope="module")
def compared(proteins: Benchmark) -> ComparisonResult:
    return measure.compare(proteins, METHODS, runs=RUNS, seed=7)


def _lissnas(benchmark: Benchmark, run: int) -> Trace:
    """Return a run of LISSNAS with seed 7, as a comparison makes it."""
    return shrink(benchmark.space, benchmark.evaluator, Lissnas(), named_generator("lissnas", 7, run))


def _runs() -> pl.DataFrame:
    """Two methods of three runs; the second method's last round is its third."""
    rows = [("a", run, 1, float(run)) for run in range(3)]
    rows += [("b", run, number, run + 0.5 + number * 10) for number in (1, 2) for run in range(3)]
    return pl.DataFrame(rows, schema=["method", "run", "round", "recall"], orient="row")


def test_results_are_paired_by_their_run() -> None:
    row = paired_differences(_runs(), ("recall",)).row(0, named=True)
    assert (row["method"], row["reference"], row["difference"], row["higher"], row["runs"]) == ("b", "a", 20.5, 1, 3)
    # The two differ by the same in every run.
    assert (row["low"], row["high"]) == pytest.approx((20.5, 20.5))


def test_a_single_method_has_nothing_to_be_paired_with() -> None:
    assert paired_differences(_runs().filter(pl.col("method") == "a"), ("recall",)).is_empty()


def test_paired_differences_have_the_interval_of_a_paired_t_test(compared: ComparisonResult) -> None:
    last = compared.runs.sort("round").group_by("method", "run", maintain_order=True).last().sort("run")
    ours, theirs = (
        last.filter(pl.col("method") == method)["mean"].to_numpy() for method in ("lissnas", "operation-pruning")
    )
    chosen = (pl.col("method") == "operation-pruning") & (pl.col("statistic") == "mean")
    row = compared.paired.row(by_predicate=chosen, named=True)
    expected = stats.ttest_rel(theirs, ours).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a shrinker that refuses about every second run."""
    monkeypatch.setitem(SHRINKERS.builtin, "refusing", "refusing_shrinker:RefusingShrinker")  # type: ignore[arg-type]
    return "refusing"


def test_a_method_that_refuses_a_run_is_left_out_with_its_reason(
    proteins: Benchmark, refusing: str, tmp_path: Path
) -> None:
    methods, path = ("lissnas", refusing, "random-subset"), tmp_path / "rows.parquet"
    result = measure.compare(proteins, methods, runs=5, seed=7, path=path)
    assert result.methods == ("lissnas", "random-subset")
    assert list(result.left_out) == [refusing]
    assert result.left_out[refusing].endswith(": this shrinker refuses the second half")
    assert comparison_sentences(result)[-1] == f"refusing was left out: {result.left_out[refusing]}"
    without = measure.compare(proteins, ("lissnas", "random-subset"), runs=5, seed=7)
    assert result.runs.equals(without.runs)
    counting = CountingWorkers()
    again = measure.compare(proteins, methods, runs=5, seed=7, path=path, workers=counting)  # type: ignore[arg-type]
    assert (again.left_out, counting.rows) == (result.left_out, 0)


def test_a_comparison_of_methods_that_all_refuse_is_an_error(proteins: Benchmark, refusing: str) -> None:
    with pytest.raises(SettingError, match=r"refusing was left out: run \d: this shrinker refuses"):
        measure.compare(proteins, (refusing,), runs=5, seed=7)


def test_the_default_methods_have_the_budget_that_the_page_says(proteins: Benchmark) -> None:
    result = measure.compare(proteins, runs=1, seed=7)
    assert result.methods == measure.METHODS
    for name in ("lissnas-model", "kernel"):
        assert result.final(name, "size")[0] == result.final("lissnas", "size")[0]
    assert result.final("lissnas-model", "evaluations")[0] == result.final("lissnas", "evaluations")[0]
    assert result.final("kernel", "evaluations")[0] == 150


def test_the_best_of_random_draws_is_the_mean_of_the_exact_expectations(
    compared: ComparisonResult, proteins: Benchmark
) -> None:
    results = [_lissnas(proteins, run).subspace for run in range(RUNS)]
    rows = compared.kept_spaces.search.filter(pl.col("method") == "lissnas")
    expected = np.mean(
        [expected_best(proteins.report[subspace.index], rows["draws"].to_numpy()) for subspace in results], axis=0
    )
    np.testing.assert_allclose(rows["value"], expected)
    genes = compared.kept_spaces.genes.filter(pl.col("method") == "lissnas")
    np.testing.assert_allclose(genes["operations"], np.mean([diversity(one).operations for one in results], axis=0))


def test_one_random_draw_of_the_full_space_has_its_mean(compared: ComparisonResult, proteins: Benchmark) -> None:
    whole = compared.kept_spaces.search.filter(pl.col("method") == "full-space")
    assert whole.filter(pl.col("draws") == 1)["value"][0] == pytest.approx(proteins.report.mean())


def test_intervals_end_at_the_range_of_the_statistic(compared: ComparisonResult, proteins: Benchmark) -> None:
    search, genes = compared.kept_spaces.search, compared.kept_spaces.genes
    assert search["high"].drop_nans().max() <= proteins.report.max()
    assert genes.select(pl.max_horizontal(pl.col("entropy_high", "operations_high").max())).item() <= 1
    assert genes.select(pl.min_horizontal(pl.col("entropy_low", "operations_low").min())).item() >= 0


def test_pockets_are_shares_of_the_kept_architectures(compared: ComparisonResult) -> None:
    for _, rows in compared.kept_spaces.pockets.group_by("method"):
        shares = rows.sort("rank")["value"].to_numpy()
        assert (np.diff(shares) <= 1e-12).all()
        assert 0 < shares.sum() <= 1 + 1e-12


def test_every_statistic_of_quality_is_averaged(compared: ComparisonResult) -> None:
    statistics = set(compared.rounds["statistic"].unique())
    assert statistics == set(compared.runs.columns) - {"method", "run", "round", "stopped"}


def test_pairs_and_kept_spaces_are_drawn(compared: ComparisonResult) -> None:
    assert len(draw_paired(compared).axes) == 6
    assert len(draw_kept_spaces(compared).axes) == 4


def _are_equal(first: ComparisonResult, second: ComparisonResult) -> bool:
    names = ("runs", "rounds", "distributions", "paired")
    return all(getattr(first, name).equals(getattr(second, name)) for name in names) and all(
        getattr(first.kept_spaces, name).equals(getattr(second.kept_spaces, name))
        for name in ("search", "genes", "pockets")
    )


def test_two_processes_change_no_number(
    compared: ComparisonResult, proteins: Benchmark, two_processes: Workers
) -> None:
    other = measure.compare(proteins, METHODS, runs=RUNS, seed=7, workers=two_processes)
    assert _are_equal(other, compared)
    assert other.settings == compared.settings


def test_stored_runs_are_not_computed_again(compared: ComparisonResult, proteins: Benchmark, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    measure.compare(proteins, METHODS, runs=RUNS - 1, seed=7, path=path)
    before = pl.read_parquet(path).height
    counting = CountingWorkers()
    continued = measure.compare(proteins, METHODS, runs=RUNS, seed=7, path=path, workers=counting)  # type: ignore[arg-type]
    assert counting.rows == pl.read_parquet(path).height - before
    assert set(pl.read_parquet(path).filter(pl.col("run") == RUNS - 1)["method"]) == set(METHODS)
    assert _are_equal(continued, compared)


def test_a_method_that_is_added_leaves_the_stored_runs(
    compared: ComparisonResult, proteins: Benchmark, tmp_path: Path
) -> None:
    path, (first, *added) = tmp_path / "rows.parquet", METHODS
    measure.compare(proteins, [first], RUNS, 7, path=path)
    counting = CountingWorkers()
    continued = measure.compare(proteins, METHODS, runs=RUNS, seed=7, path=path, workers=counting)  # type: ignore[arg-type]
    assert counting.rows == pl.read_parquet(path).filter(pl.col("method").is_in(added)).height
    assert _are_equal(continued, compared)


def test_rows_of_other_scores_are_refused(proteins: Benchmark, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    predictor = PredictedScores("reversed", "scores.csv", -proteins.selection)
    measure.compare(proteins.selected_by(predictor), ["random-subset"], 1, path=path)
    with pytest.raises(LissnasError, match=r"or delete .*rows\.parquet"):
        measure.compare(proteins, ["random-subset"], 1, path=path)


def test_a_shrinker_keeps_its_settings_and_a_name_gets_those_of_lissnas(proteins: Benchmark) -> None:
    methods = ["random-subset", Lissnas(seeds=5), RandomSubset(size=100)]
    result = measure.compare(proteins, methods, runs=1, seed=7)
    assert result.methods == ("random-subset", "lissnas(seeds=5)", "random-subset(size=100)")
    lissnas = _lissnas(proteins, 0)
    assert result.final("random-subset", "size")[0] == lissnas.subspace.size
    assert result.final("random-subset(size=100)", "size")[0] == 100
    assert result.settings["lissnas(seeds=5)"]["seeds"] == 5


def test_the_kept_spaces_of_the_first_run_are_stored(compared: ComparisonResult, proteins: Benchmark) -> None:
    lissnas = _lissnas(proteins, 0)
    pruning = OperationPruning(evaluations=lissnas.evaluations.count, size=lissnas.subspace.size)
    rng = named_generator("operation-pruning", 7, 0)
    traces = {"lissnas": lissnas, "operation-pruning": shrink(proteins.space, proteins.evaluator, pruning, rng)}
    for method, trace in traces.items():
        kept = [shrunk.subspace.index.tolist() for shrunk in trace.rounds]
        assert [subspace.index.tolist() for subspace in compared.first_run[method]] == kept
