"""Intervals against scipy's."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.statistics.estimate import mean_over_runs, paired_difference, proportion, standard_error, with_error
from scipy import stats


def test_a_normal_interval_holds_95_percent() -> None:
    estimate = with_error(np.array(10.0), np.array(2.0))
    assert np.diff(stats.norm.cdf([estimate.low, estimate.high], 10, 2)) == pytest.approx(0.95)


@pytest.mark.parametrize(("hits", "draws"), [(1, 5), (30, 100), (99, 100), (0, 40), (40, 40)])
def test_a_proportion_of_plain_draws_has_wilsons_interval(hits: int, draws: int) -> None:
    rate = hits / draws
    found = proportion(np.array(rate), np.array(np.sqrt(rate * (1 - rate) / draws)), np.array(float(draws)))
    expected = stats.binomtest(hits, draws).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_mean_over_runs_has_students_interval() -> None:
    runs = np.random.default_rng(0).normal(size=(7, 3))
    found = mean_over_runs(runs)
    expected = stats.t.interval(0.95, 6, runs.mean(axis=0), stats.sem(runs))
    np.testing.assert_allclose([found.low, found.high], expected)


def test_a_single_run_has_a_mean_without_an_interval() -> None:
    found = mean_over_runs(np.array([[90.0, 91.0]]))
    np.testing.assert_array_equal([found.value, found.low, found.high], [[90, 91], [np.nan] * 2, [np.nan] * 2])


def test_a_standard_error_comes_back_from_its_interval() -> None:
    assert standard_error(with_error(np.array([10.0, 0.0]), np.array([2.0, 0.5]))) == pytest.approx([2.0, 0.5])


def test_a_paired_difference_is_the_interval_of_a_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 10, 12)
    first, second = luck + rng.normal(1, 1, 12), luck + rng.normal(0, 1, 12)
    expected = stats.ttest_rel(first, second)
    found = paired_difference(first, second)
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_runs_that_do_not_belong_together_have_no_paired_difference() -> None:
    with pytest.raises(SettingError, match="same runs"):
        paired_difference(np.zeros(3), np.zeros(4))
