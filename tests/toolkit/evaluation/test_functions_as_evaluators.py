"""Any Python function of rows is an evaluator: a lambda, a scikit-learn predictor, a noisy function."""

import numpy as np
import pytest
from lissnas.errors import EvaluatorError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import search
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.subspace import FullSpace
from sklearn.ensemble import RandomForestRegressor


def _truth(rows: Rows) -> Floats:
    """Number of the eight layers with operation 1; the best network has it in all layers."""
    return (rows == 1).sum(axis=1).astype(np.float64)


def _scores_of_subspace(evaluator: Evaluator, seed: int = 0) -> Floats:
    """Return the true scores of the subspace that LISSNAS returns with this evaluator."""
    trace = shrink(macro(), evaluator, Lissnas(seeds=15), np.random.default_rng(seed))
    return _truth(macro().rows(trace.subspace.index))


def _mean_of_space() -> float:
    return float(_truth(macro().all_rows()).mean())


def test_a_lambda_is_an_evaluator() -> None:
    assert _scores_of_subspace(lambda rows: (rows == 1).sum(axis=1)).mean() > _mean_of_space() + 1


def test_a_lambda_that_returns_a_list_is_an_evaluator() -> None:
    assert _scores_of_subspace(lambda rows: [row.count(1) for row in rows.tolist()]).mean() > _mean_of_space() + 1  # type: ignore[arg-type, return-value]


def test_a_scikit_learn_predictor_is_an_evaluator() -> None:
    rng = np.random.default_rng(0)
    seen = macro().sample(300, rng)
    forest = RandomForestRegressor(20, random_state=0).fit(seen, _truth(seen))
    assert _scores_of_subspace(forest.predict).mean() > _mean_of_space() + 1


def test_a_noisy_function_is_called_once_for_each_network() -> None:
    rng = np.random.default_rng(0)
    called_with: list[int] = []

    def noisy(rows: Rows) -> Floats:
        called_with.extend(macro().index(rows).tolist())
        return _truth(rows) + rng.normal(0, 1, len(rows))

    assert _scores_of_subspace(noisy).mean() > _mean_of_space() + 0.5
    assert len(called_with) == len(set(called_with))


def test_a_search_takes_the_same_function() -> None:
    optimizer, rng = RegularizedEvolution(population=10), np.random.default_rng(0)
    trace = search(FullSpace(macro()), lambda rows: (rows == 1).sum(axis=1), optimizer, rng, 400)
    assert trace.evaluations.scores.max() >= 7


def test_a_bound_method_an_object_and_a_function_give_equal_results() -> None:
    class Scorer:
        def __call__(self, rows: Rows) -> Floats:
            return _truth(rows)

        def score(self, rows: Rows) -> Floats:
            return _truth(rows)

    np.testing.assert_array_equal(_scores_of_subspace(Scorer()), _scores_of_subspace(_truth))
    np.testing.assert_array_equal(_scores_of_subspace(Scorer().score), _scores_of_subspace(_truth))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda rows: None, r"scores of shape \(\)"),
        (lambda rows: 3.0, r"scores of shape \(\)"),
        (lambda rows: rows, r"scores of shape \(\d+, 8\)"),
        (lambda rows: ["good"] * len(rows), "must return numbers, not list"),
        (lambda rows: 1 / 0, "the evaluator failed after 0 evaluations.*ZeroDivisionError"),
        (lambda rows: np.zeros(len(rows)), "have the score 0: a method needs scores that differ"),
    ],
)
def test_a_function_that_does_not_score_is_refused(function: Evaluator, message: str) -> None:
    with pytest.raises(EvaluatorError, match=message):
        _scores_of_subspace(function)
