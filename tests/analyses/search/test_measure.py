"""Searching inside and outside: equal evaluations, paired runs, regrets that are those of the library's own search."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.errors import SettingError
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import search
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.shrinkers.shrink import shrink
from lissnas.storage.random_streams import named_generator
from lissnas_analyses.grid.workers import BenchmarkKey, Workers, workers
from lissnas_analyses.search import measure as searches
from lissnas_analyses.search.measure import FULL, SearchResult, compare_searches
from lissnas_benchmarks.benchmark import Benchmark

METHODS = {
    "kernel": KernelShrinkage(evaluations=40, size=60),
    "random-subset": RandomSubset(size=30),
    "lissnas": Lissnas(),
}
OPTIMIZERS = ("random", "regularized-evolution", "tpe")
TOTAL, RUNS = 110, 4


class _Here:
    def each(self, function, jobs):  # type: ignore[no-untyped-def]
        return (function(*job) for job in reversed(list(jobs)))


def _compare(who: object) -> SearchResult:
    name = BenchmarkKey.known_here("nas-bench-graph-proteins")
    return compare_searches(name, METHODS, OPTIMIZERS, TOTAL, RUNS, 7, who)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result() -> SearchResult:
    return _compare(_Here())


def _regret(result: SearchResult, place: str, which: str, evaluations: int = TOTAL) -> np.ndarray:
    found = result.runs.filter(place=place, optimizer=which, evaluations=evaluations).sort("run")
    return found["regret"].to_numpy()


def test_the_regret_inside_is_that_of_the_librarys_own_search(result: SearchResult, proteins: Benchmark) -> None:
    rng = named_generator("kernel", 7, 2)
    shrunk = shrink(proteins.space, proteins.evaluator, METHODS["kernel"], rng)
    own = named_generator("search regularized-evolution", 7, 2)
    trace = search(shrunk.subspace, shrunk.evaluations, RegularizedEvolution(), own, TOTAL)
    best = trace.evaluations.index[trace.evaluations.scores.argmax()]
    expected = np.nanmax(proteins.report) - proteins.report[best]
    assert _regret(result, "kernel", "regularized-evolution")[2] == expected


def test_shrinkings_own_evaluations_count(result: SearchResult) -> None:
    spent = result.shrinking.filter(method="kernel")["evaluations"].to_list()
    assert spent == [40] * RUNS
    before = result.runs.filter(pl.col("place") == "kernel", pl.col("evaluations") <= 40).sort("run", "evaluations")
    # Until shrinking ends, nothing depends on what will search.
    first, *others = (before.filter(optimizer=which)["regret"].to_list() for which in OPTIMIZERS)
    assert all(other == first for other in others)


def test_the_full_space_is_searched_with_the_whole_budget(result: SearchResult) -> None:
    points = result.runs.filter(place=FULL)["evaluations"].unique().sort()
    assert (points[0], points[-1]) == (1, TOTAL)


def test_a_subspace_that_was_scored_whole_cannot_get_better(result: SearchResult, proteins: Benchmark) -> None:
    for run in range(RUNS):
        rng = named_generator("random-subset", 7, run)
        kept = shrink(proteins.space, proteins.evaluator, METHODS["random-subset"], rng).subspace.index
        chosen = kept[np.nanargmax(proteins.selection[kept])]
        expected = np.nanmax(proteins.report) - proteins.report[chosen]
        for which in OPTIMIZERS:
            assert _regret(result, "random-subset", which)[run] == expected


def test_a_search_that_saw_everything_has_the_regret_of_the_best_selected(proteins: Benchmark) -> None:
    everything = searches.WholeSpace(proteins.space)
    trace = search(
        everything, proteins.evaluator, RegularizedEvolution(), np.random.default_rng(0), proteins.space.size
    )
    [regret] = searches.regret_at(trace, proteins, np.array([proteins.space.size]))
    assert regret == searches.regret_of_the_best_selected(proteins) > 0


def test_shrinking_that_spends_everything_is_said(result: SearchResult, proteins: Benchmark) -> None:
    spent = result.shrinking.filter(method="lissnas")["evaluations"]
    assert (spent > TOTAL).all()
    assert any("nothing is left to search" in sentence for sentence in searches.sentences(result, proteins))


def test_the_difference_is_paired_by_run(result: SearchResult) -> None:
    from scipy import stats

    gain = _regret(result, "kernel", "random") - _regret(result, FULL, "random")
    end = result.end("kernel", "random")
    low, high = stats.t.interval(0.95, RUNS - 1, gain.mean(), stats.sem(gain))
    assert (end["difference"], end["difference_low"], end["difference_high"]) == pytest.approx((gain.mean(), low, high))


def test_regret_never_rises_by_the_scores_that_select(result: SearchResult, proteins: Benchmark) -> None:
    # Selected and reported scores differ, so the regret may rise; that of the selecting scores may not.
    rng = np.random.default_rng(0)
    trace = search(searches.WholeSpace(proteins.space), proteins.evaluator, RegularizedEvolution(), rng, 150)
    assert (np.diff(proteins.selection[trace.incumbents]) >= 0).all()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-2, -1, "shrinking pays"),
        (1, 2, "shrinking does not pay"),
        (-1, 1, "no difference is shown"),
        (0, 0, "no difference is shown"),
    ],
)
def test_the_verdict_is_that_of_the_interval(low: float, high: float, said: str) -> None:
    assert searches._verdict(low, high) == said


def test_two_processes_change_no_number(result: SearchResult) -> None:
    with workers(2) as two:
        other = _compare(two)
    assert other.runs.equals(result.runs)
    assert other.means.equals(result.means)
    assert other.shrinking.equals(result.shrinking)


def test_no_runs_are_refused() -> None:
    with pytest.raises(SettingError, match="not 0 and 5"):
        compare_searches(
            BenchmarkKey.known_here("nas-bench-graph-proteins"),
            METHODS,
            OPTIMIZERS,
            5,
            0,
            0,
            Workers(None, 1),  # type: ignore[arg-type]
        )


def test_the_command_leaves_a_figure_numbers_and_a_verdict(in_process: Command, tmp_path: Path) -> None:
    words = ("search", "nas-bench-graph-proteins", "--method", "kernel", "--shrinking-evaluations", "30")
    more = ("--size", "80", "--optimizer", "random", "local-search", "--evaluations", "90", "--runs", "3")
    called = in_process(*words, *more, "--workers", "1", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "kernel spends 30 evaluations and keeps 80 networks" in called.stdout
    folder = tmp_path / "results/nas-bench-graph-proteins/search"
    written = {path.name for path in folder.iterdir()}
    assert {"search.png", "search.svg", "search.csv", "search_runs.parquet", "manifest.json"} <= written
    assert pl.read_parquet(folder / "search_runs.parquet")["place"].unique().sort().to_list() == [FULL, "kernel"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--optimizer randm", 'Did you mean "random"?'),
        ("--seeds 10 20", "one value of seeds, not 2"),
        ("--runs 0", "at least 1 run"),
        ("--cluster local:x", "write local:2"),
        ("--sise 5", "--sise"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(words: str, said: str, in_process: Command, tmp_path: Path) -> None:
    called = in_process("search", "nas-bench-graph-proteins", *words.split(), folder=tmp_path)
    assert (called.returncode, called.stderr.count("\n")) == (2, 1)
    assert said in called.stderr
