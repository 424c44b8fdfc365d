"""Searches in shrunk spaces and in the full space: equal evaluations, paired runs, the regrets of the library."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from counting_workers import CountingWorkers
from lissnas.errors import SettingError
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import search
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.shrinkers.shrink import shrink
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import FullSpace
from lissnas_analyses.grid.workers import THIS_PROCESS, Workers
from lissnas_analyses.search import describe
from lissnas_analyses.search.measure import (
    FULL_SPACE,
    SearchResult,
    compare_searches,
    regret_at,
    regret_of_the_best_selected,
)
from lissnas_benchmarks.benchmark import Benchmark

METHODS = {
    "kernel": KernelShrinkage(evaluations=40, size=60),
    "random-subset": RandomSubset(size=30),
    "lissnas": Lissnas(),
}
OPTIMIZERS = ("random", "regularized-evolution", "tpe")
TOTAL, RUNS = 80, 3


def _compare(
    proteins: Benchmark, given_workers: object = THIS_PROCESS, path: Path | None = None, runs: int = RUNS
) -> SearchResult:
    return compare_searches(proteins, METHODS, OPTIMIZERS, TOTAL, runs, 7, path=path, workers=given_workers)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result(proteins: Benchmark) -> SearchResult:
    return _compare(proteins, CountingWorkers(backwards=True))


def _regret(result: SearchResult, space: str, optimizer: str, evaluations: int = TOTAL) -> np.ndarray:
    rows = result.runs.filter(space=space, optimizer=optimizer, evaluations=evaluations).sort("run")
    return rows["regret"].to_numpy()


def test_the_regret_in_a_kept_space_is_that_of_the_search_of_the_library(
    result: SearchResult, proteins: Benchmark
) -> None:
    rng = named_generator("kernel", 7, 2)
    shrunk = shrink(proteins.space, proteins.evaluator, METHODS["kernel"], rng)
    rng = named_generator("search regularized-evolution", 7, 2)
    trace = search(shrunk.subspace, shrunk.evaluations, RegularizedEvolution(), rng, TOTAL)
    best = trace.evaluations.index[trace.evaluations.scores.argmax()]
    expected = np.nanmax(proteins.report) - proteins.report[best]
    assert _regret(result, "kernel", "regularized-evolution")[2] == expected


def test_the_evaluations_of_shrinking_count(result: SearchResult) -> None:
    spent = result.shrinking.filter(method="kernel")["evaluations"].to_list()
    assert spent == [40] * RUNS
    before = result.runs.filter(pl.col("space") == "kernel", pl.col("evaluations") <= 40).sort("run", "evaluations")
    # Until shrinking ends, nothing depends on the optimizer.
    first, *rest = (before.filter(optimizer=optimizer)["regret"].to_list() for optimizer in OPTIMIZERS)
    assert all(regret == first for regret in rest)


def test_a_search_of_the_full_space_has_the_total_budget(result: SearchResult) -> None:
    points = result.runs.filter(space=FULL_SPACE)["evaluations"].unique().sort()
    assert (points[0], points[-1]) == (1, TOTAL)


def test_a_subspace_whose_architectures_are_all_scored_cannot_improve(
    result: SearchResult, proteins: Benchmark
) -> None:
    for run in range(RUNS):
        rng = named_generator("random-subset", 7, run)
        kept = shrink(proteins.space, proteins.evaluator, METHODS["random-subset"], rng).subspace.index
        chosen = kept[np.nanargmax(proteins.selection[kept])]
        expected = np.nanmax(proteins.report) - proteins.report[chosen]
        for optimizer in OPTIMIZERS:
            assert _regret(result, "random-subset", optimizer)[run] == expected


def test_a_search_that_scores_all_has_the_regret_of_the_best_selected(proteins: Benchmark) -> None:
    trace = search(
        FullSpace(proteins.space),
        proteins.evaluator,
        RegularizedEvolution(),
        np.random.default_rng(0),
        proteins.space.size,
    )
    [regret] = regret_at(trace, proteins, np.array([proteins.space.size]))
    assert regret == regret_of_the_best_selected(proteins) > 0


def test_a_method_that_spends_the_total_is_named(result: SearchResult) -> None:
    spent = result.shrinking.filter(method="lissnas")["evaluations"]
    assert (spent > TOTAL).all()
    assert any("nothing is left to search" in sentence for sentence in describe.search_sentences(result))


def test_the_difference_is_paired_by_run(result: SearchResult) -> None:
    from scipy import stats

    gain = _regret(result, "kernel", "random") - _regret(result, FULL_SPACE, "random")
    end = result.end("kernel", "random")
    low, high = stats.t.interval(0.95, RUNS - 1, gain.mean(), stats.sem(gain))
    assert (end["difference"], end["difference_low"], end["difference_high"]) == pytest.approx((gain.mean(), low, high))


def test_regret_never_rises_by_the_scores_that_select(result: SearchResult, proteins: Benchmark) -> None:
    # The scores that select and those that report differ, so the reported regret may rise.
    rng = np.random.default_rng(0)
    trace = search(FullSpace(proteins.space), proteins.evaluator, RegularizedEvolution(), rng, 150)
    assert (np.diff(proteins.selection[trace.incumbents]) >= 0).all()


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2, -1, "shrinking pays"),
        (1, 2, "shrinking does not pay"),
        (-1, 1, "no significant difference"),
        (0, 0, "no significant difference"),
    ],
)
def test_the_verdict_is_that_of_the_interval(low: float, high: float, verdict: str) -> None:
    assert describe._verdict(low, high) == verdict


def test_two_processes_change_no_number(result: SearchResult, proteins: Benchmark, two_processes: Workers) -> None:
    other = _compare(proteins, two_processes)
    assert other.runs.equals(result.runs)
    assert other.means.equals(result.means)
    assert other.shrinking.equals(result.shrinking)


def test_stored_runs_are_not_computed_again(result: SearchResult, proteins: Benchmark, tmp_path: Path) -> None:
    counting, path = CountingWorkers(), tmp_path / "rows.parquet"
    _compare(proteins, counting, path, RUNS - 1)
    continued = _compare(proteins, counting, path)
    assert counting.rows == RUNS * (1 + len(METHODS)) * len(OPTIMIZERS)
    assert continued.runs.equals(result.runs)
    assert continued.shrinking.equals(result.shrinking)


def test_no_runs_are_refused(proteins: Benchmark) -> None:
    with pytest.raises(SettingError, match="not 0 and 5"):
        compare_searches(proteins, METHODS, OPTIMIZERS, 5, 0)


def test_the_command_writes_a_figure_tables_and_a_verdict(in_process: Command, tmp_path: Path) -> None:
    words = ("search", "nas-bench-graph-proteins", "--method", "kernel", "--shrinking-evaluations", "30")
    more = ("--size", "80", "--optimizer", "random", "local-search", "--evaluations", "90", "--runs", "3")
    called = in_process(*words, *more, "--workers", "1", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "kernel spends 30 evaluations and keeps 80 networks" in called.stdout
    folder = tmp_path / "results/nas-bench-graph-proteins/search"
    written = {path.name for path in folder.iterdir()}
    assert {"search.png", "search.svg", "search.csv", "search_runs.parquet", "manifest.json"} <= written
    assert pl.read_parquet(folder / "search_runs.parquet")["space"].unique().sort().to_list() == [FULL_SPACE, "kernel"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--optimizer randm", 'Did you mean "random"?'),
        ("--seeds 10 20", "one value of seeds, not 2"),
        ("--runs 0", "at least 1 run"),
        ("--cluster local:x", "write local:2"),
        ("--sise 5", "--sise"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    words: str, message: str, in_process: Command, tmp_path: Path
) -> None:
    called = in_process("search", "nas-bench-graph-proteins", *words.split(), folder=tmp_path)
    assert (called.returncode, called.stderr.count("\n")) == (2, 1)
    assert message in called.stderr
