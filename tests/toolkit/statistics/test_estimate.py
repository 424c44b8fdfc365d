"""Intervals, against those of SciPy."""

import numpy as np
import pytest
from lissnas.statistics.estimate import normal_estimate, standard_error, wilson_estimate
from scipy import stats


def test_a_normal_interval_covers_95_percent() -> None:
    estimate = normal_estimate(np.array(10.0), np.array(2.0))
    assert np.diff(stats.norm.cdf([estimate.low, estimate.high], 10, 2)) == pytest.approx(0.95)


@pytest.mark.parametrize(("hits", "draws"), [(1, 5), (30, 100), (99, 100), (0, 40), (40, 40)])
def test_a_proportion_has_the_interval_of_wilson(hits: int, draws: int) -> None:
    rate = hits / draws
    found = wilson_estimate(np.array(rate), np.array(np.sqrt(rate * (1 - rate) / draws)), np.array(float(draws)))
    expected = stats.binomtest(hits, draws).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_standard_error_is_recovered_from_the_interval() -> None:
    assert standard_error(normal_estimate(np.array([10.0, 0.0]), np.array([2.0, 0.5]))) == pytest.approx([2.0, 0.5])


def test_less_than_one_draw_counts_as_one() -> None:
    half, none = np.array(0.5), np.array(0.0)
    assert wilson_estimate(half, none, none) == wilson_estimate(half, none, np.array(1.0))
    # An error of 1 implies a quarter of a draw.
    assert wilson_estimate(half, np.array(1.0), none) == wilson_estimate(half, none, np.array(1.0))
    assert wilson_estimate(half, none, np.array(1.0)) != wilson_estimate(half, none, np.array(2.0))
