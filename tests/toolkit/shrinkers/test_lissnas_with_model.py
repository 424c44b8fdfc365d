"""LISSNAS with a model: the evaluations and the size of LISSNAS, and the architectures that a predictor prefers."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.predictors.predictor import PREDICTORS, predictor_class
from lissnas.shrinkers.lissnas import Lissnas, LissnasWithModel
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.subspace import ExplicitSubspace

SPACE = macro()
HUGE = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)
FEW: dict[str, Any] = {"confidence": 0.4, "seeds": 10}
"""Settings of a run with samples of 51: a Gaussian process is fitted to them in a fraction of a second."""


def _smooth(rows: Rows) -> Floats:
    """Return a sum of one term per choice: neighbors of good architectures are good."""
    weights = np.random.default_rng(3).normal(size=(rows.shape[1], 8))
    return weights[np.arange(rows.shape[1]), rows].sum(axis=1)


def _run(space: Space = SPACE, score: Any = _smooth, seed: int = 0, **settings: Any) -> Trace:
    return shrink(space, score, Lissnas(**settings), np.random.default_rng(seed))


@pytest.fixture(scope="module")
def predicted() -> Trace:
    """A run with the Gaussian process."""
    return _run(**FEW, model="gp")


@pytest.mark.parametrize("settings", [{}, {"target_size": 60}, {"stop": "rounds", "max_rounds": 2}])
def test_a_model_costs_no_evaluation_and_keeps_as_many(settings: dict[str, Any]) -> None:
    without, with_model = (_run(**FEW, **settings, model=model) for model in (None, "extra-trees"))
    np.testing.assert_array_equal(without.evaluations.index, with_model.evaluations.index)
    assert with_model.subspace.size == without.subspace.size
    for one, other in zip(without.rounds, with_model.rounds, strict=False):
        np.testing.assert_array_equal(one.subspace.index, other.subspace.index)
    assert len(with_model.rounds) == len(without.rounds) + 1
    assert str(with_model.notes[-1]).startswith(f"kept the {without.subspace.size} networks with the highest predicti")


def test_the_result_has_the_highest_predictions_of_the_space(predicted: Trace) -> None:
    evaluations, rng = predicted.evaluations, np.random.default_rng(0)
    predict = predictor_class("gp")().fit(SPACE, evaluations.rows, evaluations.scores, rng)
    best = np.argsort(-predict(SPACE.all_rows()), kind="stable")[: predicted.subspace.size]
    np.testing.assert_array_equal(predicted.subspace.index, np.sort(best))


def test_of_a_smooth_space_a_model_keeps_more_of_the_best(predicted: Trace) -> None:
    balls = _run(**FEW).subspace
    best = np.argsort(-_smooth(SPACE.all_rows()))[: balls.size]
    assert np.isin(best, predicted.subspace.index).mean() > np.isin(best, balls.index).mean() + 0.2


def test_lissnas_with_model_is_lissnas_with_the_gaussian_process(predicted: Trace) -> None:
    found = shrink(SPACE, _smooth, LissnasWithModel(**FEW), np.random.default_rng(0))
    np.testing.assert_array_equal(found.subspace.index, predicted.subspace.index)


def test_in_a_huge_space_the_model_looks_beyond_the_balls() -> None:
    settings = {"confidence": 0.4, "seeds": 3, "stop": "rounds", "max_rounds": 2}
    balls, predicted = (_run(HUGE, **settings, model=model).subspace for model in (None, "gp"))
    assert isinstance(predicted, ExplicitSubspace)
    assert predicted.size == balls.size
    assert not balls.contains(HUGE.rows(predicted.index)).all()
    assert _smooth(HUGE.rows(predicted.index)).mean() > _smooth(HUGE.rows(balls.index)).mean() + 1


def test_the_same_seed_gives_the_same_result_with_a_random_model() -> None:
    one, other = (_run(**FEW, model="extra-trees", seed=4).subspace for _ in range(2))
    np.testing.assert_array_equal(one.index, other.index)


def test_if_no_round_raises_the_mean_no_model_is_fitted() -> None:
    trace = _run(score=lambda rows: np.sin(SPACE.index(rows) * 1.7), confidence=0.4, seeds=30, patience=1, model="gp")
    assert trace.subspace.size == SPACE.size


def test_an_unknown_model_is_refused_before_any_evaluation() -> None:
    with pytest.raises(UnknownNameError, match="extra-trees"):
        Lissnas(model="extra-tree")


@pytest.mark.parametrize(
    ("predictor", "message"),
    [
        ("NeedsMoreScores", r"the model failing cannot be fitted to \d+ scores: at least 10,000 scores are needed"),
        ("PredictsNan", r"the model failing, fitted to (\d+) scores, predicts NaN or infinity for [\d,]+ of 6,561"),
    ],
)
def test_a_model_that_fails_is_a_setting_error(predictor: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREDICTORS.builtin, "failing", f"failing_predictors:{predictor}")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=message) as raised:
        _run(**FEW, model="failing")
    assert len(raised.value.evaluations.scores) > 51
