"""Predictors: every registered one learns a simple score, depends only on its generator, and refuses bad scores."""

import numpy as np
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.predictors.predictor import Predictor, predictor_class, predictor_names
from lissnas.spaces.catalog import make_space
from lissnas.spaces.space import Floats, Rows
from lissnas.statistics.rank_correlation import rank_agreement

SPACE = make_space("cell201")
ROWS = SPACE.sample(60, np.random.default_rng(0))
OTHERS = SPACE.sample(500, np.random.default_rng(1))


@pytest.fixture(params=predictor_names())
def predictor(request: pytest.FixtureRequest) -> Predictor:
    return predictor_class(request.param)()


def _score(rows: Rows) -> Floats:
    """Return the number of 3x3 convolutions plus half the number of 1x1 convolutions."""
    return (rows == 3).sum(axis=1) + (rows == 2).sum(axis=1) / 2


def test_a_predictor_ranks_other_architectures_by_a_simple_score(predictor: Predictor) -> None:
    predict = predictor.fit(SPACE, ROWS, _score(ROWS), np.random.default_rng(2))
    assert rank_agreement(_score(OTHERS), predict(OTHERS), np.random.default_rng(3), share=0.1).tau.value > 0.6


def test_predictions_depend_only_on_the_generator_and_not_on_the_unit_of_the_scores(predictor: Predictor) -> None:
    first, second = (
        predictor.fit(SPACE, ROWS, scores, np.random.default_rng(2))(OTHERS)
        for scores in (_score(ROWS), np.exp(_score(ROWS)))
    )
    assert np.array_equal(first, second)


def test_each_row_is_predicted_alone(predictor: Predictor) -> None:
    predict = predictor.fit(SPACE, ROWS, _score(ROWS), np.random.default_rng(2))
    np.testing.assert_allclose(np.concatenate([predict(OTHERS[:7]), predict(OTHERS[7:])]), predict(OTHERS), rtol=1e-9)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.ones(60), "1 different scores in 60"),
        (np.where(np.arange(60) < 3, np.nan, np.arange(60.0)), "3 of 60 scores are NaN"),
        (np.arange(2.0), "2 different scores in 2"),
    ],
)
def test_scores_that_teach_nothing_are_refused(predictor: Predictor, scores: Floats, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        predictor.fit(SPACE, ROWS[: len(scores)], scores, np.random.default_rng(2))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="extra-trees"):
        predictor_class("extra-tree")
