"""The Gaussian process and its kernel, against scikit-learn and finite differences."""

import math

import numpy as np
import pytest
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import (
    GaussianProcess,
    WarmStartedFit,
    fit_gaussian_process,
    objective,
    prior,
)
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats, Rows
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

CHOICES = (5, 3, 2, 4)
SPACE = CategoricalSpace("mixed", ["abcde"[:count] for count in CHOICES], "{}{}{}{}", (False, False, False, True))
KERNEL = DistanceKernel(choice_components(SPACE))


def _rows(count: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, choices, count) for choices in CHOICES], axis=1).astype(np.uint8)


ROWS, OTHERS = _rows(40, 1), _rows(25, 2)
TARGETS: Floats = np.random.default_rng(3).normal(size=40) + ROWS[:, 0] / 3


def _some_parameters() -> Floats:
    mean, spread = prior(KERNEL)
    return mean + 0.5 * spread * np.random.default_rng(4).normal(size=len(mean))


@pytest.fixture(scope="module")
def process() -> GaussianProcess:
    return fit_gaussian_process(KERNEL, ROWS, TARGETS)


def _oracle(parameters: Floats) -> GaussianProcessRegressor:
    """Return the process of scikit-learn on the features, with the same parameters."""
    signal, noise = np.exp(parameters[-2:])
    scales = 1 / np.sqrt(KERNEL.weights(parameters[:-2]))
    kernel = ConstantKernel(1.0) + ConstantKernel(signal) * RBF(scales) + WhiteKernel(noise)
    return GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(KERNEL.features(ROWS), TARGETS)


def test_the_marginal_likelihood_matches_scikit_learn() -> None:
    parameters = _some_parameters()
    mean, spread = prior(KERNEL)
    value, _gradient = objective(parameters, KERNEL, KERNEL.features(ROWS), TARGETS)
    penalty = (((parameters - mean) / spread) ** 2).sum() / 2 - len(ROWS) / 2 * math.log(2 * math.pi)
    assert penalty - value == pytest.approx(_oracle(parameters).log_marginal_likelihood_value_, rel=1e-9)


def test_the_gradient_matches_finite_differences() -> None:
    parameters = _some_parameters()
    features = KERNEL.features(ROWS)
    gradient = objective(parameters, KERNEL, features, TARGETS)[1]
    step = 1e-5
    for place in range(len(parameters)):
        shift = step * (np.arange(len(parameters)) == place)
        ahead = objective(parameters + shift, KERNEL, features, TARGETS)[0]
        behind = objective(parameters - shift, KERNEL, features, TARGETS)[0]
        # Central differences have an error of the square of the step, plus rounding of 1e-16 over the step.
        assert gradient[place] == pytest.approx((ahead - behind) / (2 * step), abs=1e-6)


def test_the_posterior_matches_scikit_learn(process: GaussianProcess) -> None:
    features = KERNEL.features(OTHERS)
    oracle = _oracle(process.parameters)
    oracle_mean, oracle_spread = oracle.predict(features, return_std=True)
    mean, spread = process.mean_and_spread(OTHERS)
    np.testing.assert_allclose(mean, oracle_mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(process.mean(OTHERS), mean)
    # The spread of scikit-learn includes the noise of a new score.
    np.testing.assert_allclose(np.sqrt(spread**2 + process.noise), oracle_spread, rtol=1e-8)


def test_fitting_lowers_the_objective_to_a_stationary_point(process: GaussianProcess) -> None:
    features = KERNEL.features(ROWS)
    value, gradient = objective(process.parameters, KERNEL, features, TARGETS)
    assert value == pytest.approx(process.objective)
    assert value < objective(prior(KERNEL)[0], KERNEL, features, TARGETS)[0]
    assert np.abs(gradient).max() < 0.05


def test_the_most_uncertain_rows_match_a_refit_after_each_choice(process: GaussianProcess) -> None:
    rows = np.unique(np.concatenate([OTHERS, ROWS[:5]]), axis=0)
    known = list(KERNEL.features(ROWS))
    signal, noise = np.exp(process.parameters[-2:])

    def covariance(a: Floats, b: Floats) -> Floats:
        return 1 + signal * KERNEL(process.parameters[:-2], a, b)

    features = KERNEL.features(rows)
    remaining = list(range(len(rows)))
    expected = []
    for _ in range(6):
        scored = np.array(known)
        inverse = np.linalg.inv(covariance(scored, scored) + noise * np.eye(len(scored)))
        cross = covariance(features, scored)
        variance = 1 + signal - ((cross @ inverse) * cross).sum(axis=1)
        expected.append(max(remaining, key=lambda place: variance[place]))
        remaining.remove(expected[-1])
        known.append(features[expected[-1]])
    assert process.most_uncertain(rows, 6).tolist() == expected


def test_predictions_do_not_depend_on_the_number_of_rows(process: GaussianProcess) -> None:
    rows = np.tile(OTHERS, (400, 1))
    # Products of larger matrices may sum in another order.
    np.testing.assert_allclose(process.mean(rows), np.tile(process.mean(OTHERS), 400), rtol=1e-10, atol=1e-12)


def test_parameters_stay_until_the_scores_have_grown_by_a_fifth(process: GaussianProcess) -> None:
    fit = WarmStartedFit(KERNEL)
    first = fit(ROWS[:30], TARGETS[:30])
    np.testing.assert_array_equal(first.parameters, fit_gaussian_process(KERNEL, ROWS[:30], TARGETS[:30]).parameters)
    more = fit(ROWS[:35], TARGETS[:35])
    np.testing.assert_array_equal(more.parameters, first.parameters)
    assert len(more.features) == 35
    again = fit(ROWS, TARGETS)
    assert not np.array_equal(again.parameters, first.parameters)
    assert again.objective == pytest.approx(process.objective, rel=1e-4)
