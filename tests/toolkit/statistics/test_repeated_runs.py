"""Means, paired differences and mean ranks over runs, against scipy's and by repeated draws."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.statistics.repeated_runs import mean_over_runs, mean_ranks, paired_difference
from scipy import stats


def test_the_mean_over_runs_has_students_interval() -> None:
    runs = np.random.default_rng(0).normal(size=(7, 3))
    found = mean_over_runs(runs)
    expected = stats.t.interval(0.95, 6, runs.mean(axis=0), stats.sem(runs))
    np.testing.assert_allclose([found.low, found.high], expected)


def test_a_single_run_has_a_mean_without_an_interval() -> None:
    found = mean_over_runs(np.array([[90.0, 91.0]]))
    np.testing.assert_array_equal([found.value, found.low, found.high], [[90, 91], [np.nan] * 2, [np.nan] * 2])


def test_a_paired_difference_is_the_interval_of_a_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 10, 12)
    first, second = luck + rng.normal(1, 1, 12), luck + rng.normal(0, 1, 12)
    expected = stats.ttest_rel(first, second)
    found = paired_difference(first, second)
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_a_paired_difference_of_different_runs_is_refused() -> None:
    with pytest.raises(SettingError, match="same runs"):
        paired_difference(np.zeros(3), np.zeros(4))


def test_ranks_start_at_1_and_ties_share_their_mean_rank() -> None:
    values = np.array([[[3.0, 1.0, 1.0]], [[3.0, 2.0, 1.0]]])
    found = mean_ranks(values, np.random.default_rng(0))
    np.testing.assert_allclose(found.value, [1, 2.25, 2.75])
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_the_interval_of_a_mean_rank_has_its_nominal_coverage() -> None:
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(100):
        found = mean_ranks(rng.normal(size=(40, 1, 2)), rng)
        hits.append(found.low[0] <= 1.5 <= found.high[0])
    assert 0.9 < np.mean(hits) < 0.99
