"""Sampled locality against what is exact, and the pairs of a measured sample against plain sums."""

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


@pytest.fixture(scope="module")
def cells() -> tuple[Space, Floats]:
    table = load_table("analog-nasbench")
    return cell201(), table.values(find_adapter("analog-nasbench").reports, "cifar10")


@pytest.fixture(scope="module")
def exact(cells: Any) -> PairLocality:
    return pair_locality(*cells)


def test_pairs_of_a_whole_space_are_those_of_exact_locality(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    whole = pair_locality(small.space, scores, (0.2,))
    found = sample_locality(small.space, small.space.all_rows(), scores, (0.2,))
    largest = len(found.distance)
    np.testing.assert_array_equal(found.pairs, whole.pairs[:largest])
    assert not whole.pairs[largest:].any()
    for name in ("difference", "correlation", "top_rate"):
        for side in ("value", "low", "high"):
            # The exact sums of absolute differences are kept in float32.
            np.testing.assert_allclose(
                getattr(getattr(found, name), side),
                getattr(getattr(whole, name), side)[..., :largest],
                atol=1e-4,
            )


def test_pairs_of_a_sample_are_all_of_its_pairs(cells: Any) -> None:
    space, scores = cells
    chosen = np.random.default_rng(0).choice(space.size, 150, replace=False)
    found = sample_locality(space, space.rows(chosen), scores[chosen], (0.1,))
    distances = space.distances(space.rows(chosen), space.rows(chosen))
    gaps = np.abs(scores[chosen][:, None] - scores[chosen])
    for row, distance in enumerate(found.distance):
        assert found.pairs[row] == (distances == distance).sum()
        assert found.difference.value[row] == pytest.approx(gaps[distances == distance].mean())


def test_random_pairs_estimate_the_exact_figures(cells: Any, exact: PairLocality) -> None:
    space, scores = cells
    found = random_pair_locality(space, TableEvaluator(space, scores), 12_000, 4, np.random.default_rng(0))
    for name in ("difference", "correlation"):
        estimate = getattr(found, name)
        off = (estimate.value - getattr(exact, name).value[:4]) / standard_error(estimate)
        assert (np.abs(off) < 4).all()
    assert (found.top_rate.low <= exact.top_rate.value[:, :4]).mean() > 0.8
    assert (found.top_rate.high >= exact.top_rate.value[:, :4]).mean() > 0.8


def test_intervals_of_random_pairs_are_as_wide_as_estimates_scatter(cells: Any) -> None:
    space, scores = cells
    evaluator = TableEvaluator(space, scores)
    drawn = [random_pair_locality(space, evaluator, 300, 1, np.random.default_rng(seed)) for seed in range(200)]
    for name in ("difference", "correlation"):
        values = [getattr(found, name).value[0] for found in drawn]
        errors = [standard_error(getattr(found, name))[0] for found in drawn]
        # The scatter of 200 draws is known to 5 %; errors of heavy-tailed differences come out low in small samples.
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


def test_random_pairs_at_a_distance_are_equally_likely_where_choices_are_independent(mixed: Any) -> None:
    seen = np.zeros((24, 24))

    def remember(rows: Any) -> Floats:
        place = mixed.space.index(rows).reshape(3, -1)
        for a, b in place[[0, 2]].T:
            seen[a, b] += 1
        return np.zeros(len(rows)) + np.arange(len(rows))

    for seed in range(400):
        random_pair_locality(mixed.space, remember, 24, 2, np.random.default_rng(seed), (0.2,))
    # From every center 400 walks, of which all that end two edits away are equally likely.
    two_away = mixed.distance == 2
    counts = seen[two_away]
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


def test_pairs_without_a_distance_and_walks_without_a_lag_are_refused(mixed: Any) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="distances from 1"):
        random_pair_locality(mixed.space, TableEvaluator(mixed.space, np.zeros(24)), 10, 0, rng)
    with pytest.raises(SettingError, match="no lag"):
        random_walk_autocorrelation(mixed.space, TableEvaluator(mixed.space, np.zeros(24)), 10, 3, rng, 4)
