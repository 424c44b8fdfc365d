"""Degraded tables have the requested tau, keep the values, and score each network consistently."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.evaluation.noisy_evaluator import NoisyEvaluator, degrade
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats
from scipy.stats import kendalltau


def _tau(truth: Floats, other: Floats) -> float:
    known = ~np.isnan(truth)
    return float(kendalltau(truth[known], other[known]).statistic)


def _skewed(seed: int = 0) -> Floats:
    """Scores like those of a table: a long tail of bad networks, many ties, some missing."""
    rng = np.random.default_rng(seed)
    scores = np.round(94 - rng.exponential(3, 6561), 1)
    scores[rng.random(6561) < 0.1] = np.nan
    return scores


@given(st.floats(0, 1), st.integers(0, 2**32))
def test_the_tau_over_the_whole_table_is_the_requested_one(tau: float, seed: int) -> None:
    assert _tau(_skewed(), degrade(_skewed(), tau, np.random.default_rng(seed))) == pytest.approx(tau, abs=0.001)


@pytest.mark.parametrize("tau", [0.9, 0.485, 0.1])
def test_a_real_table_is_degraded_to_the_tau_of_a_supernet(tau: float, nasbench201: Callable[[str], Floats]) -> None:
    scores = nasbench201("c10_test200")
    assert _tau(scores, degrade(scores, tau, np.random.default_rng(1))) == pytest.approx(tau, abs=0.001)


def test_good_and_bad_networks_are_equally_degraded() -> None:
    scores = np.arange(6561.0)
    noisy = degrade(scores, 0.5, np.random.default_rng(0))
    taus = [_tau(scores[part], noisy[part]) for part in (slice(0, 2000), slice(-2000, None))]
    assert taus[0] == pytest.approx(taus[1], abs=0.05)


@given(st.floats(0, 1))
def test_the_values_remain_those_of_the_table(tau: float) -> None:
    noisy = degrade(_skewed(), tau, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(noisy), np.sort(_skewed()))
    np.testing.assert_array_equal(np.isnan(noisy), np.isnan(_skewed()))


def test_a_tau_of_one_returns_the_table() -> None:
    np.testing.assert_array_equal(degrade(_skewed(), 1.0, np.random.default_rng(0)), _skewed())


def test_every_tau_draws_equally_many_random_numbers() -> None:
    generators = [np.random.default_rng(3) for _ in range(3)]
    for tau, rng in zip((1.0, 0.6, 0.2), generators, strict=True):
        degrade(_skewed(), tau, rng)
    assert len({rng.random() for rng in generators}) == 1


def test_a_network_gets_the_same_score_every_time() -> None:
    space = macro()
    evaluator = NoisyEvaluator(space, _skewed(), 0.5, np.random.default_rng(0))
    noisy = degrade(_skewed(), 0.5, np.random.default_rng(0))
    rows = space.sample(50, np.random.default_rng(1))
    np.testing.assert_array_equal(evaluator(rows), evaluator(rows[::-1])[::-1])
    np.testing.assert_array_equal(evaluator(rows), noisy[space.index(rows)])


def test_another_generator_degrades_other_networks() -> None:
    first, second = (degrade(_skewed(), 0.5, np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.array_equal(first, second, equal_nan=True)


@pytest.mark.parametrize("tau", [-0.1, 1.01, np.nan])
def test_a_tau_outside_0_to_1_is_refused(tau: float) -> None:
    with pytest.raises(SettingError, match="between 0 and 1"):
        degrade(_skewed(), tau, np.random.default_rng(0))


def test_equal_scores_are_refused() -> None:
    with pytest.raises(SettingError, match="no ranking to degrade"):
        NoisyEvaluator(cell201(), np.ones(15625), 0.5, np.random.default_rng(0))


@pytest.mark.parametrize("tau", [0.0, 0.47, 0.87])
def test_a_draw_whose_angle_is_far_from_the_expected_one_is_degraded(tau: float) -> None:
    """With six scores, the angle of most draws is outside the bracket around the expected angle."""
    scores = np.arange(6.0)
    for seed in range(20):
        degraded = degrade(scores, tau, np.random.default_rng(seed))
        # Kendall's tau of six scores is a multiple of 2 / 15, and the angle is where it passes the requested one.
        assert _tau(scores, degraded) == pytest.approx(tau, abs=4.01 / 15)
