"""Means, paired differences and mean ranks over runs, against SciPy's, brute force and simulated coverage."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.statistics.repeated_runs import mean_over_runs, mean_ranks, paired_difference
from scipy import stats
from scipy.optimize import brentq


def test_few_runs_have_students_interval() -> None:
    runs = np.random.default_rng(0).exponential(size=(4, 3))
    found = mean_over_runs(runs)
    expected = stats.t.interval(0.95, 3, runs.mean(axis=0), stats.sem(runs))
    np.testing.assert_allclose([found.low, found.high], expected)


def test_symmetric_runs_have_students_interval() -> None:
    runs = np.array([-3.0, -1, 0, 1, 3])
    found = mean_over_runs(runs)
    np.testing.assert_allclose([found.low, found.high], stats.t.interval(0.95, 4, 0, stats.sem(runs)), atol=1e-12)


@pytest.mark.parametrize("count", [5, 20])
def test_the_ends_solve_halls_equation(count: int) -> None:
    runs = np.random.default_rng(0).exponential(size=count)
    slope, error = stats.skew(runs, bias=False) / np.sqrt(count), stats.sem(runs)

    def transformed(mean: float) -> float:
        t = (runs.mean() - mean) / error
        return t + slope * t**2 / 3 + slope**2 * t**3 / 27 + slope / 6

    quantile = stats.t.ppf(0.975, count - 1)
    found = mean_over_runs(runs)
    assert found.low == pytest.approx(brentq(lambda mean: transformed(mean) - quantile, -9, 9))
    assert found.high == pytest.approx(brentq(lambda mean: transformed(mean) + quantile, -9, 9))


def test_skewed_runs_are_covered_more_often_than_by_students_interval() -> None:
    runs = np.random.default_rng(0).exponential(size=(20, 5000))
    low, high = stats.t.interval(0.95, 19, runs.mean(axis=0), stats.sem(runs))
    found = mean_over_runs(runs)
    covered, by_student = (((low <= 1) & (high >= 1)).mean() for low, high in ((found.low, found.high), (low, high)))
    assert by_student < 0.925
    assert 0.935 < covered < 0.965


def test_a_single_run_has_a_mean_without_an_interval() -> None:
    found = mean_over_runs(np.array([[90.0, 91.0]]))
    np.testing.assert_array_equal([found.value, found.low, found.high], [[90, 91], [np.nan] * 2, [np.nan] * 2])


def test_equal_runs_have_an_interval_without_width() -> None:
    found = mean_over_runs(np.full((20, 2), [0.1, 93.7]))
    np.testing.assert_array_equal([found.low, found.high], [found.value] * 2)


def test_a_paired_difference_is_the_mean_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 10, 12)
    first, second = luck + rng.normal(1, 1, 12), luck + rng.normal(0, 1, 12)
    assert paired_difference(first, second) == mean_over_runs(first - second)


def test_a_paired_difference_of_different_runs_is_refused() -> None:
    with pytest.raises(SettingError, match="same runs"):
        paired_difference(np.zeros(3), np.zeros(4))


def test_ranks_start_at_1_and_ties_share_their_mean_rank() -> None:
    values = np.array([[[3.0, 1.0, 1.0]], [[3.0, 2.0, 1.0]]])
    found = mean_ranks(values)
    np.testing.assert_allclose(found.value, [1, 2.25, 2.75])
    assert (found.low >= 1).all()
    assert (found.high <= 3).all()
