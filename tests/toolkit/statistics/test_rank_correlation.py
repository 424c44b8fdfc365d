"""Rank correlation against SciPy, draw by draw, and against known values of real supernets."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.concordance import Concordance
from lissnas.statistics.rank_correlation import BootstrappedRanks, kendall_tau, rank_agreement, tied_share
from scipy import stats

SCORES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=60)


def _draws(count: int, networks: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([np.bincount(rng.integers(networks, size=networks), minlength=networks) for _ in range(count)])


@given(SCORES)
@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning", "ignore:invalid value:RuntimeWarning")
def test_tau_weighted_tau_and_rho_of_every_draw_match_scipy(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs, dtype=float).T
    times = _draws(5, len(pairs)).T.astype(np.float32)
    scores = BootstrappedRanks(truth, predicted)
    for draw, *found in zip(times.T.astype(int), *scores.taus(times), scores.rho(times), strict=True):
        x, y = np.repeat(truth, draw), np.repeat(predicted, draw)
        for value, measure in zip(found, (stats.kendalltau, stats.weightedtau, stats.spearmanr), strict=True):
            np.testing.assert_allclose(value, measure(x, y).statistic, atol=1e-12)


@given(SCORES, st.floats(0.05, 0.95))
def test_precision_and_regret_of_every_draw_match_an_explicit_resample(
    pairs: list[tuple[int, int]], share: float
) -> None:
    truth, predicted = np.array(pairs, dtype=float).T
    times = _draws(5, len(pairs)).T.astype(np.float32)
    count = round(share * len(pairs))
    if count == 0:
        return
    scores = BootstrappedRanks(truth, predicted)
    for draw, precision, regret in zip(
        times.T.astype(int), scores.precision(times, share), scores.regret(times), strict=True
    ):
        x, y = np.repeat(truth, draw), np.repeat(predicted, draw)
        chosen, best = (scores >= np.sort(scores)[-count] for scores in (y, x))
        assert precision == pytest.approx(best[chosen].mean())
        assert regret == pytest.approx(x.max() - x[y == y.max()].mean())


@pytest.mark.parametrize("networks", [2, 3, 255, 256, 257, 512, 1000])
@pytest.mark.parametrize("levels", [5, 1000])
def test_tau_is_exact_for_sizes_around_the_block_size(networks: int, levels: int) -> None:
    rng = np.random.default_rng(networks)
    truth, predicted = rng.permutation(networks), rng.integers(levels, size=networks) + np.arange(networks) % 2
    scores = BootstrappedRanks(truth.astype(float), predicted.astype(float))
    for found, measure in zip(
        scores.taus(np.ones((networks, 1), dtype=np.float32)), (stats.kendalltau, stats.weightedtau), strict=True
    ):
        assert found[0] == pytest.approx(measure(truth, predicted).statistic, abs=1e-12, nan_ok=True)


def test_net_concordance_matches_all_pairs() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(40, size=(2, 600)).astype(float)
    times = rng.integers(4, size=(600, 3)).astype(np.float32)
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    np.testing.assert_array_equal(Concordance(x, y).net(times), signs @ times)


@pytest.mark.parametrize(("supernet", "tau", "best"), [("oneshot", 0.485, -0.19), ("fewshot", 0.551, 0.01)])
def test_real_supernets_rank_all_architectures_well_and_the_best_at_random(
    shared_data: Path, nasbench201: Callable[[str], Floats], supernet: str, tau: float, best: float
) -> None:
    scores = pl.read_parquet(shared_data / "nasbench201_supernet_scores.parquet")
    space = cell201()
    order = np.argsort(space.index(space.read(scores["arch"].to_list())))
    truth, predicted = nasbench201("c10_test200"), scores[f"{supernet}_supernet"].to_numpy()[order]
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=50)
    assert found.tau.value == pytest.approx(tau, abs=0.001)
    upper = truth >= np.quantile(truth, 0.8)
    among_best = rank_agreement(truth[upper], predicted[upper], np.random.default_rng(0), draws=0)
    assert among_best.tau.value == pytest.approx(best, abs=0.01)


@pytest.mark.slow
def test_the_interval_matches_an_explicit_bootstrap() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=300)
    predicted = truth + rng.normal(size=300)
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=2000)
    one_by_one = []
    for _ in range(2000):
        chosen = rng.integers(300, size=300)
        one_by_one.append(stats.kendalltau(truth[chosen], predicted[chosen]).statistic)
    # The percentiles of 2,000 draws with a standard deviation of 0.026 have an error of about 0.0015.
    np.testing.assert_allclose([found.tau.low, found.tau.high], np.quantile(one_by_one, [0.025, 0.975]), atol=0.006)


def test_precision_and_regret_match_hand_computation() -> None:
    truth = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    predicted = np.array([0.0, 0, 0, 0, 0, 0, 0, 9, 5, 8])
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=10, share=0.2)
    assert found.precision.value == 0.5
    assert found.regret.value == 2.0
    assert found.true_ties == 0
    assert found.predicted_ties == pytest.approx(21 / 45)


def test_architectures_without_both_scores_are_excluded() -> None:
    truth, predicted = np.array([1, 2, np.nan, 3, 4.0]), np.array([1, np.nan, 5, 3, 2.0])
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=10, share=0.4)
    assert found.networks == 3
    assert found.tau.value == pytest.approx(stats.kendalltau([1, 3, 4], [1, 3, 2]).statistic)


@pytest.mark.parametrize("predicted", [[1.0, 1, 1], [np.nan] * 3, [1.0, np.nan, np.nan]])
def test_scores_that_rank_nothing_are_refused(predicted: list[float]) -> None:
    with pytest.raises(SettingError, match="rank nothing"):
        rank_agreement(np.array([1.0, 2, 3]), np.array(predicted), np.random.default_rng(0))


def test_an_empty_top_share_is_refused() -> None:
    with pytest.raises(SettingError, match="choose a larger share"):
        rank_agreement(np.arange(9.0), np.arange(9.0), np.random.default_rng(0), share=0.05)


def test_tau_alone_equals_that_of_rank_agreement() -> None:
    truth, predicted = np.random.default_rng(0).normal(size=(2, 500))
    alone = kendall_tau(truth, predicted, np.random.default_rng(1), draws=200)
    assert alone == rank_agreement(truth, predicted, np.random.default_rng(1), draws=200).tau


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_tied_share_counts_every_pair(scores: list[int]) -> None:
    pairs = list(itertools.combinations(scores, 2))
    assert tied_share(np.array(scores, dtype=float)) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))


@pytest.mark.slow
def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.random.default_rng(0).normal(size=5000)
    predicted = truth + np.random.default_rng(1).normal(size=5000)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        found.append(rank_agreement(truth, predicted, np.random.default_rng(5), draws=900))
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_interval() -> None:
    truth, predicted = np.random.default_rng(0).normal(size=(2, 100))
    first, second = (rank_agreement(truth, predicted, np.random.default_rng(5), draws=100) for _ in range(2))
    assert (first.tau.low, first.tau.high) == (second.tau.low, second.tau.high)
