"""The features of cheap scores."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.cheap_score_kernel import cheap_score_component
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from scipy.special import ndtri

SPACE = macro()
ROWS = SPACE.all_rows()


def _features(*cheap: Evaluator) -> Floats:
    return cheap_score_component(SPACE, cheap, np.random.default_rng(0)).features(ROWS)


def _sum(rows: Rows) -> Floats:
    return rows.astype(np.float64) @ 3.0 ** np.arange(8)


def test_the_feature_of_a_score_is_its_normal_quantile_among_all_architectures() -> None:
    expected = ndtri((np.argsort(np.argsort(_sum(ROWS))) + 0.5) / SPACE.size)
    np.testing.assert_allclose(_features(_sum)[:, 0], expected)


def test_only_the_order_of_a_score_matters() -> None:
    np.testing.assert_array_equal(_features(lambda rows: np.exp(_sum(rows) / 1000)), _features(_sum))


def test_a_reversed_score_gives_the_same_kernel() -> None:
    kernels = []
    for sign in (1, -1):
        component = cheap_score_component(SPACE, [lambda rows, sign=sign: sign * _sum(rows)], np.random.default_rng(0))
        kernel = DistanceKernel([component])
        features = kernel.features(ROWS[::50])
        kernels.append(kernel(kernel.prior_mean, features, features))
        assert kernel.prior_spread.tolist() == [1, 1, 2, 1]  # of all scores, of one, of the distance, of missing scores
    np.testing.assert_allclose(*kernels)


def test_a_constant_score_is_the_median_everywhere() -> None:
    np.testing.assert_array_equal(_features(lambda rows: np.full(len(rows), 7.0)), 0)


def test_a_missing_score_is_the_median_with_an_indicator() -> None:
    found = _features(lambda rows: np.where(rows[:, 0] == 1, np.nan, _sum(rows)))
    missing = ROWS[:, 0] == 1
    assert (found[missing] == [0, 1]).all()
    assert (found[~missing, 1] == 0).all()


def test_a_score_that_is_always_missing_gives_constant_features() -> None:
    found = _features(lambda rows: np.full(len(rows), np.nan))
    assert (found == found[0]).all()


def test_each_architecture_is_scored_once() -> None:
    evaluated: list[int] = []

    def score(rows: Rows) -> Floats:
        evaluated.extend(SPACE.index(rows).tolist())
        return _sum(rows)

    component = cheap_score_component(SPACE, [score], np.random.default_rng(0))
    component.features(ROWS[:100])
    component.features(ROWS[50:150])
    assert len(evaluated) == len(set(evaluated)) == SPACE.size


def test_an_empty_list_of_cheap_scores_is_refused() -> None:
    with pytest.raises(SettingError, match="no cheap scores"):
        cheap_score_component(SPACE, [], np.random.default_rng(0))
