"""The recall that the predictions of a Gaussian process lead to expect."""

import numpy as np
import pytest
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.expected_recall import REPRODUCIBLE, _expected_recall, _Prediction
from lissnas.predictors.gaussian_process import fit_gaussian_process
from lissnas.spaces.categorical import CategoricalSpace


def test_the_variance_of_a_scored_architecture_is_that_of_two_normal_variables() -> None:
    space = CategoricalSpace("pairs", ("abcd",) * 3, "{}{}{}")
    scored, rng = np.arange(0, 60, 3), np.random.default_rng(0)
    process = fit_gaussian_process(DistanceKernel(choice_components(space)), space.rows(scored), rng.normal(size=20))
    found = _Prediction.of(space, process, scored, np.array([1, 3]))
    spread = process.mean_and_spread(space.rows(np.array([1, 3])))[1]
    noise, share = process.noise, REPRODUCIBLE * process.noise
    smooth = spread[1] ** 2 * noise / (noise - spread[1] ** 2)  # its variance without its own score
    conditional = smooth + share - (smooth + share) ** 2 / (smooth + noise)
    np.testing.assert_allclose(found.of_architecture[1] ** 2, [spread[0] ** 2 + share, conditional])


def test_the_best_are_either_kept_or_not() -> None:
    rng = np.random.default_rng(0)
    kept, others = ((rng.normal(size=n), rng.uniform(0.1, 1, n)) for n in (30, 70))
    share = _expected_recall(kept, others, weight=1, best=5, degrees=6)
    assert 0.05 < share < 0.95
    assert share + _expected_recall(others, kept, weight=1, best=5, degrees=6) == pytest.approx(1, abs=1e-4)


def test_each_of_a_sample_counts_as_often_as_its_weight() -> None:
    rng = np.random.default_rng(0)
    kept, others = ((rng.normal(size=n), rng.uniform(0.1, 1, n)) for n in (30, 70))
    twice = (np.tile(others[0], 2), np.tile(others[1], 2))
    expected = _expected_recall(kept, twice, weight=1, best=5, degrees=6)
    assert _expected_recall(kept, others, weight=2, best=5, degrees=6) == pytest.approx(expected, abs=1e-5)
