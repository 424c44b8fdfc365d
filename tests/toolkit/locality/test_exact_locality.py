"""Every locality measure against plain sums over all pairs, and its interval against numerical derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate

SHARES = (0.2, 0.4)


@pytest.fixture(params=["mixed", "multisets"])
def enumerated(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


class _Pairs:
    """Statistics of ordered pairs; the weight of a pair is the product of the weights of its architectures."""

    def __init__(self, pairs: np.ndarray, scores: Floats) -> None:
        measured = ~np.isnan(scores)
        self.pairs = np.where(np.outer(measured, measured), pairs, 0).astype(np.float64)
        self.scores = np.nan_to_num(scores)

    def mean(self, values: np.ndarray, weights: Floats) -> float:
        weight = self.pairs * np.outer(weights, weights)
        return float((weight * values).sum() / weight.sum())

    def difference(self, weights: Floats) -> float:
        return self.mean(np.abs(np.subtract.outer(self.scores, self.scores)), weights)

    def correlation(self, weights: Floats) -> float:
        ones = np.ones_like(self.scores)
        centered = self.scores - self.mean(np.outer(self.scores, ones), weights)
        return self.mean(np.outer(centered, centered), weights) / self.mean(np.outer(centered**2, ones), weights)

    def top_rate(self, top: np.ndarray, weights: Floats) -> float:
        ones = np.ones_like(self.scores)
        return self.mean(np.outer(top, top), weights) / self.mean(np.outer(top, ones), weights)


def _jackknife_error(measure: Callable[[Floats], float], size: int) -> float:
    """Return the norm of the derivatives of a measure with respect to the weight of each architecture."""
    step = 1e-5
    weights = np.ones(size) + step * np.concatenate([np.eye(size), -np.eye(size)])
    values = np.array([measure(weight) for weight in weights])
    return float(np.linalg.norm((values[:size] - values[size:]) / (2 * step)))


def _at_each_distance(enumerated: Any, scores: Floats) -> list[_Pairs]:
    return [_Pairs(enumerated.distance == distance, scores) for distance in range(1, enumerated.distance.max() + 1)]


def _tops(scores: Floats) -> list[np.ndarray]:
    measured = np.sort(scores[~np.isnan(scores)])
    return [scores >= measured[-round(share * len(measured))] for share in SHARES]


def _half_width(estimate: Estimate) -> Floats:
    return (estimate.high - estimate.low) / 2 / 1.959964


def test_pairs_are_counted_at_each_distance(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    found = pair_locality(enumerated.space, scores, SHARES)
    np.testing.assert_array_equal(found.pairs, [p.pairs.sum() for p in _at_each_distance(enumerated, scores)])


def test_mean_differences_match_a_sum_over_all_pairs(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    expected = [pairs.difference(np.ones_like(scores)) for pairs in _at_each_distance(enumerated, scores)]
    # Scores of about 90 are subtracted in float32: the error of a difference is at most 8e-6.
    found = pair_locality(enumerated.space, scores, SHARES).difference.value
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_correlations_match_a_sum_over_all_pairs(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    expected = [pairs.correlation(np.ones_like(scores)) for pairs in _at_each_distance(enumerated, scores)]
    # Graph spaces sum in float32, which gives six digits of the squares.
    found = pair_locality(enumerated.space, scores, SHARES).correlation.value
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_top_rates_match_a_sum_over_all_pairs(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    by_distance, ones = _at_each_distance(enumerated, scores), np.ones_like(scores)
    expected = [[pairs.top_rate(top, ones) for pairs in by_distance] for top in _tops(scores)]
    np.testing.assert_allclose(pair_locality(enumerated.space, scores, SHARES).top_rate.value, expected)


def test_base_rates_are_top_rates_over_all_pairs_of_different_architectures(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    different = _Pairs(enumerated.distance > 0, scores)
    expected = [different.top_rate(top, np.ones_like(scores)) for top in _tops(scores)]
    np.testing.assert_allclose(pair_locality(enumerated.space, scores, SHARES).base_rate, expected)


def test_errors_of_differences_match_numerical_derivatives(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    expected = [_jackknife_error(pairs.difference, len(scores)) for pairs in _at_each_distance(enumerated, scores)]
    found = _half_width(pair_locality(enumerated.space, scores, SHARES).difference)
    # A derivative sums up to 24 float32 differences, each with an error of up to 8e-6.
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_errors_of_correlations_match_numerical_derivatives(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    expected = [_jackknife_error(pairs.correlation, len(scores)) for pairs in _at_each_distance(enumerated, scores)]
    found = _half_width(pair_locality(enumerated.space, scores, SHARES).correlation)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_intervals_of_top_rates_are_those_of_wilson_with_numerical_derivatives(enumerated: Any, scores_of: Any) -> None:
    scores = scores_of(enumerated.space.size)
    found = pair_locality(enumerated.space, scores, SHARES).top_rate
    for row, top in enumerate(_tops(scores)):
        for column, pairs in enumerate(_at_each_distance(enumerated, scores)):
            error = _jackknife_error(lambda weights, p=pairs, t=top: p.top_rate(t, weights), len(scores))
            rate = found.value[row, column]
            draws = rate * (1 - rate) / error**2 if error > 1e-9 else np.count_nonzero(top)
            # Wilson's bounds are the two proportions that are 1.96 of their own standard errors away from the rate.
            for bound in (found.low[row, column], found.high[row, column]):
                # Steps of 1e-5 give derivatives with an error of about 1e-9; rounding adds the rest.
                assert (bound - rate) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / max(draws, 1), abs=1e-6)


def test_adding_a_constant_changes_no_correlation(mixed: Any, scores_of: Any) -> None:
    scores = scores_of(24)
    original, shifted = (pair_locality(mixed.space, scores + shift, SHARES).correlation.value for shift in (0, -1e3))
    np.testing.assert_allclose(original, shifted, atol=1e-9)


@pytest.mark.slow
def test_scores_without_structure_show_no_locality(mixed: Any) -> None:
    # Means over 2,000 tables of noise. Centering on the mean of the space makes the expectation -1 / 23.
    rng = np.random.default_rng(0)
    correlations = [pair_locality(mixed.space, rng.normal(size=24), SHARES).correlation.value for _ in range(2000)]
    mean = np.mean(correlations, axis=0)
    error = np.std(correlations, axis=0) / np.sqrt(2000)
    assert (np.abs(mean + 1 / 23) < 5 * error).all()


def test_a_distance_without_measured_pairs_has_nan(mixed: Any) -> None:
    scores = np.full(24, np.nan)
    scores[:12] = np.arange(12.0)  # all have the same first gene, so none are three edits apart
    found = pair_locality(mixed.space, scores, SHARES)
    assert found.pairs[2] == 0
    assert np.isnan([found.difference.value[2], found.correlation.value[2], *found.top_rate.value[:, 2]]).all()


def test_a_space_of_one_gene_has_one_distance(one_gene: Any) -> None:
    found = pair_locality(one_gene.space, np.array([1.0, 2, 3, 4, 5]), SHARES)
    np.testing.assert_allclose(found.difference.value, [2.0])


# Walks


def _transitions(landscape: Landscape) -> tuple[np.ndarray, Floats]:
    """Return the transition matrix of the walk and its stationary distribution."""
    edges = np.zeros((landscape.size, landscape.size))
    np.add.at(edges, (landscape.source, landscape.target), 1)
    degrees = edges.sum(axis=1)
    return edges / np.maximum(degrees, 1)[:, None], degrees / degrees.sum()


def _lagged(landscape: Landscape, lag: int) -> _Pairs:
    transitions, time = _transitions(landscape)
    return _Pairs(time[:, None] * np.linalg.matrix_power(transitions, lag), landscape.scores)


def test_walk_autocorrelation_matches_powers_of_the_transition_matrix(enumerated: Any, scores_of: Any) -> None:
    landscape = Landscape(enumerated.space, scores_of(enumerated.space.size))
    expected = [_lagged(landscape, lag).correlation(np.ones(landscape.size)) for lag in range(8)]
    np.testing.assert_allclose(walk_autocorrelation(landscape, 7).value, expected, atol=1e-12)


def test_a_walk_without_neighbors_has_no_autocorrelation() -> None:
    space = CategoricalSpace("two", ("ab", "cd"), "{}{}")
    scores = np.array([1.0, np.nan, np.nan, 2.0])  # ac and bd: two edits apart
    assert np.isnan(walk_autocorrelation(Landscape(space, scores), 3).value).tolist() == [True] * 4


def test_errors_of_walk_autocorrelations_match_numerical_derivatives(enumerated: Any, scores_of: Any) -> None:
    landscape = Landscape(enumerated.space, scores_of(enumerated.space.size))
    expected = [_jackknife_error(_lagged(landscape, lag).correlation, landscape.size) for lag in range(8)]
    np.testing.assert_allclose(_half_width(walk_autocorrelation(landscape, 7)), expected, atol=1e-7)


def test_a_long_random_walk_has_the_walk_autocorrelation(mixed: Any) -> None:
    rng = np.random.default_rng(0)
    landscape = Landscape(mixed.space, rng.normal(size=24))
    neighbors = landscape.target.reshape(24, 6)
    steps = rng.integers(6, size=200_000)
    place, walk = 0, np.empty(len(steps), dtype=np.int64)
    for time, step in enumerate(steps):
        walk[time] = place = neighbors[place, step]
    scores = landscape.scores[walk]
    walked = [np.corrcoef(scores[: len(scores) - lag], scores[lag:])[0, 1] for lag in range(1, 6)]
    # 200,000 steps with a correlation time below 3 have a standard error below 0.004.
    np.testing.assert_allclose(walk_autocorrelation(landscape, 5).value[1:], walked, atol=0.02)


def test_one_step_of_a_walk_is_a_pair_at_distance_one(mixed: Any, scores_of: Any) -> None:
    scores = scores_of(24)
    walked = walk_autocorrelation(Landscape(mixed.space, scores), 1).value[1]
    assert walked == pytest.approx(pair_locality(mixed.space, scores, SHARES).correlation.value[0])


# Fitness-distance correlation


def _nearest_optimum(enumerated: Any, scores: Floats) -> tuple[np.ndarray, np.ndarray]:
    optima = np.flatnonzero(scores == np.nanmax(scores))
    return enumerated.distance[:, optima].min(axis=1), ~np.isnan(scores)


@pytest.mark.parametrize("optima", [1, 4])
def test_fitness_distance_correlation_matches_numpy(enumerated: Any, scores_of: Any, optima: int) -> None:
    scores = scores_of(enumerated.space.size)
    scores[:: len(scores) // optima] = 99.0
    distance, measured = _nearest_optimum(enumerated, scores)
    expected = np.corrcoef(scores[measured], distance[measured])[0, 1]
    assert fitness_distance_correlation(enumerated.space, scores).value == pytest.approx(expected)


def test_the_error_of_fitness_distance_correlation_matches_numerical_derivatives(
    enumerated: Any, scores_of: Any
) -> None:
    scores = scores_of(enumerated.space.size)
    distance, measured = _nearest_optimum(enumerated, scores)

    def correlation(weights: Floats) -> float:
        covariance = np.cov(scores[measured], distance[measured], aweights=weights, ddof=0)
        return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))

    found = _half_width(fitness_distance_correlation(enumerated.space, scores))
    assert found == pytest.approx(_jackknife_error(correlation, int(measured.sum())), abs=1e-7)


def test_a_score_that_falls_by_1_per_edit_has_correlation_minus_1(mixed: Any) -> None:
    assert fitness_distance_correlation(mixed.space, -mixed.distance[5].astype(np.float64)).value == pytest.approx(-1)


# Known values, measured on a full table of NAS-Bench-201 after 200 epochs. They have two digits, and average
# other seeds than our table.


@pytest.fixture(scope="module")
def cell201_locality(nasbench201: Callable[[str], Floats]) -> Any:
    return pair_locality(cell201(), nasbench201("c10_test200"))


def test_correlations_of_cell201_are_the_known_values(cell201_locality: Any) -> None:
    np.testing.assert_allclose(cell201_locality.correlation.value[:3], [0.56, 0.29, 0.12], atol=0.015)


def test_top_rates_of_cell201_are_the_known_values(cell201_locality: Any) -> None:
    np.testing.assert_allclose(cell201_locality.top_rate.value[0, :3], [0.26, 0.11, 0.04], atol=0.015)


def test_the_pairs_of_cell201_are_all_ordered_pairs(cell201_locality: Any) -> None:
    assert cell201_locality.pairs.sum() == 15_625 * 15_624
