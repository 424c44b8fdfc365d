"""Rank agreement against SciPy, draw by draw, and against what is known of a real supernet."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.ranking import kendall_tau, rank_agreement, spearman_rho
from lissnas.space import Floats
from lissnas.spaces.cell201 import cell201
from scipy import stats

SCORES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=60)


def _draws(count: int, networks: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([np.bincount(rng.integers(networks, size=networks), minlength=networks) for _ in range(count)])


@given(SCORES)
@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
def test_tau_and_rho_of_every_draw_are_scipys(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs, dtype=float).T
    times = _draws(5, len(pairs)).astype(np.int32)
    taus, rhos = kendall_tau(truth, predicted, times.T), spearman_rho(truth, predicted, times.T)
    for draw, tau, rho in zip(times, taus, rhos, strict=True):
        x, y = np.repeat(truth, draw), np.repeat(predicted, draw)
        np.testing.assert_allclose(tau, stats.kendalltau(x, y).statistic, atol=1e-12)
        np.testing.assert_allclose(rho, stats.spearmanr(x, y).statistic, atol=1e-12)


@pytest.mark.parametrize("networks", [2, 3, 64, 65, 1000])
def test_sizes_around_powers_of_two_are_counted_whole(networks: int) -> None:
    rng = np.random.default_rng(networks)
    truth, predicted = rng.normal(size=(2, networks))
    [tau] = kendall_tau(truth, predicted, np.ones((networks, 1), dtype=np.int32))
    assert tau == pytest.approx(stats.kendalltau(truth, predicted).statistic, abs=1e-12)


@pytest.mark.parametrize(("supernet", "tau", "best"), [("oneshot", 0.485, -0.19), ("fewshot", 0.551, 0.01)])
def test_real_supernets_rank_all_networks_well_and_the_best_at_random(
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


def test_the_interval_is_as_wide_as_draws_made_one_by_one() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=300)
    predicted = truth + rng.normal(size=300)
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=2000)
    one_by_one = []
    for _ in range(2000):
        chosen = rng.integers(300, size=300)
        one_by_one.append(stats.kendalltau(truth[chosen], predicted[chosen]).statistic)
    # Percentiles of 2,000 draws with a standard deviation of .026 are known to about .0015.
    np.testing.assert_allclose([found.tau.low, found.tau.high], np.quantile(one_by_one, [0.025, 0.975]), atol=0.006)


def test_precision_and_regret_of_a_hand_counted_example() -> None:
    truth = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    predicted = np.array([0.0, 0, 0, 0, 0, 0, 0, 9, 5, 8])
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=10, share=0.2)
    assert found.precision == 0.5
    assert found.regret == 2.0


def test_networks_without_both_scores_are_left_out() -> None:
    truth, predicted = np.array([1, 2, np.nan, 3, 4.0]), np.array([1, np.nan, 5, 3, 2.0])
    found = rank_agreement(truth, predicted, np.random.default_rng(0), draws=10, share=0.4)
    assert found.networks == 3
    assert found.tau.value == pytest.approx(stats.kendalltau([1, 3, 4], [1, 3, 2]).statistic)


@pytest.mark.parametrize("predicted", [[1.0, 1, 1], [np.nan] * 3, [1.0, np.nan, np.nan]])
def test_scores_that_rank_nothing_are_refused(predicted: list[float]) -> None:
    with pytest.raises(SettingError, match="rank nothing"):
        rank_agreement(np.array([1.0, 2, 3]), np.array(predicted), np.random.default_rng(0))


def test_the_same_seed_gives_the_same_interval() -> None:
    truth, predicted = np.random.default_rng(0).normal(size=(2, 100))
    first, second = (rank_agreement(truth, predicted, np.random.default_rng(5), draws=100) for _ in range(2))
    assert (first.tau.low, first.tau.high) == (second.tau.low, second.tau.high)
