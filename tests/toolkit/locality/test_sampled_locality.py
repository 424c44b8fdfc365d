"""Sampled locality, against exact locality, and over the pairs of a sample against plain sums."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.locality.exact_locality import PairLocality, pair_locality
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import random_walk_autocorrelation, walk_autocorrelation
from lissnas.locality.sampled_locality import random_pair_locality, sample_locality
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.estimate import standard_error
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table
from scipy.stats import binomtest


@pytest.fixture(scope="module")
def cells() -> tuple[Space, Floats]:
    table = load_table("analog-nasbench")
    return cell201(), table.values(find_adapter("analog-nasbench").reports, "cifar10")


@pytest.fixture(scope="module")
def exact(cells: Any) -> PairLocality:
    return pair_locality(*cells)


def test_sample_locality_of_the_full_space_is_exact_locality(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    exact = pair_locality(small.space, scores, (0.2,))
    found = sample_locality(small.space, small.space.all_rows(), scores, (0.2,))
    largest = len(found.distance)
    np.testing.assert_array_equal(found.pairs, exact.pairs[:largest])
    assert not exact.pairs[largest:].any()
    for name in ("difference", "correlation", "top_rate"):
        for side in ("value", "low", "high"):
            # Exact locality sums absolute differences in float32.
            np.testing.assert_allclose(
                getattr(getattr(found, name), side),
                getattr(getattr(exact, name), side)[..., :largest],
                atol=1e-4,
            )


def test_sample_locality_uses_all_pairs_of_the_sample(cells: Any) -> None:
    space, scores = cells
    chosen = np.random.default_rng(0).choice(space.size, 150, replace=False)
    found = sample_locality(space, space.rows(chosen), scores[chosen], (0.1,))
    distances = space.distances(space.rows(chosen), space.rows(chosen))
    gaps = np.abs(scores[chosen][:, None] - scores[chosen])
    for row, distance in enumerate(found.distance):
        assert found.pairs[row] == (distances == distance).sum()
        assert found.difference.value[row] == pytest.approx(gaps[distances == distance].mean())


def test_random_pairs_estimate_exact_locality(cells: Any, exact: PairLocality) -> None:
    space, scores = cells
    found = random_pair_locality(space, TableEvaluator(space, scores), 12_000, 4, np.random.default_rng(0))
    for name in ("difference", "correlation"):
        estimate = getattr(found, name)
        deviation = (estimate.value - getattr(exact, name).value[:4]) / standard_error(estimate)
        assert (np.abs(deviation) < 4).all()
    assert (found.top_rate.low <= exact.top_rate.value[:, :4]).mean() > 0.8
    assert (found.top_rate.high >= exact.top_rate.value[:, :4]).mean() > 0.8


def test_interval_widths_of_random_pairs_match_the_scatter_over_seeds(cells: Any) -> None:
    space, scores = cells
    evaluator = TableEvaluator(space, scores)
    drawn = [random_pair_locality(space, evaluator, 300, 1, np.random.default_rng(seed)) for seed in range(200)]
    for name in ("difference", "correlation"):
        values = [getattr(found, name).value[0] for found in drawn]
        errors = [standard_error(getattr(found, name))[0] for found in drawn]
        # The scatter over 200 seeds has an error of 5 %; errors of heavy-tailed differences are low in small samples.
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


def test_random_pairs_are_uniform_at_a_distance_where_choices_are_independent(mixed: Any) -> None:
    drawn = np.zeros((24, 24))

    def count_pairs(rows: Any) -> Floats:
        place = mixed.space.index(rows).reshape(3, -1)
        for a, b in place[[0, 2]].T:
            drawn[a, b] += 1
        return np.zeros(len(rows)) + np.arange(len(rows))

    for seed in range(400):
        random_pair_locality(mixed.space, count_pairs, 24, 2, np.random.default_rng(seed), (0.2,))
    # There are 400 walks from every center; all ends two edits away are equally likely.
    two_away = mixed.distance == 2
    counts = drawn[two_away]
    assert counts.std() == pytest.approx(np.sqrt(counts.mean()), rel=0.2)


def test_random_walks_estimate_the_exact_autocorrelation(cells: Any) -> None:
    space, scores = cells
    exact = walk_autocorrelation(Landscape(space, scores), 5).value
    found = random_walk_autocorrelation(space, TableEvaluator(space, scores), 1000, 50, np.random.default_rng(0), 5)
    assert (np.abs(found.value - exact)[1:] < 4 * standard_error(found)[1:]).all()


def test_a_space_of_any_size_has_sampled_locality() -> None:
    space = darts()

    def additive(rows: Any) -> Floats:
        return rows.astype(np.float64) @ np.arange(1.0, space.genes + 1)

    found = random_pair_locality(space, additive, 2000, 5, np.random.default_rng(0))
    assert (np.diff(found.correlation.value) < 0).all()
    walked = random_walk_autocorrelation(space, additive, 50, 30, np.random.default_rng(0))
    assert walked.value[0] == pytest.approx(1)
    assert walked.low[1] > 0.8


def test_a_distance_of_0_and_walks_shorter_than_the_lags_are_refused(mixed: Any) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="largest distance must be at least 1 edit, not 0"):
        random_pair_locality(mixed.space, TableEvaluator(mixed.space, np.zeros(24)), 10, 0, rng)
    with pytest.raises(SettingError, match="at most the 3 steps of a walk, not 4"):
        random_walk_autocorrelation(mixed.space, TableEvaluator(mixed.space, np.zeros(24)), 10, 3, rng, 4)


def test_a_distance_without_pairs_has_nan(one_gene: Any) -> None:
    """No two architectures of a space of one gene are two edits apart."""
    evaluator = TableEvaluator(one_gene.space, np.arange(5.0))
    found = random_pair_locality(one_gene.space, evaluator, 5, 2, np.random.default_rng(0), (0.2,))
    assert found.pairs.tolist() == [5, 0]
    for estimate in (found.difference, found.correlation):
        assert np.isfinite([estimate.value[0], estimate.low[0], estimate.high[0]]).all()
        assert np.isnan([estimate.value[1], estimate.low[1], estimate.high[1]]).all()


def test_the_interval_of_a_top_rate_is_that_of_wilson_over_the_best_centers(cells: Any) -> None:
    space, scores = cells
    found = random_pair_locality(space, TableEvaluator(space, scores), 200, 1, np.random.default_rng(0), (0.1, 0.5))
    for share, tries in enumerate((20, 100)):
        hits = round(found.top_rate.value[share, 0] * tries)
        expected = binomtest(hits, tries).proportion_ci(method="wilson")
        assert (found.top_rate.low[share, 0], found.top_rate.high[share, 0]) == pytest.approx(tuple(expected))
