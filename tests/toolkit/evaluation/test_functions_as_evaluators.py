"""Any Python function on rows is an evaluator: a lambda, a predictor of scikit-learn, a noisy one."""

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
from lissnas.subspaces.subspace import WholeSpace
from sklearn.ensemble import RandomForestRegressor


def _truth(rows: Rows) -> Floats:
    """How many of the eight layers are of the second kind: the eight alike are the best of all."""
    return (rows == 1).sum(axis=1).astype(np.float64)


def _kept(evaluator: Evaluator, seed: int = 0) -> Floats:
    """Return the true scores of what LISSNAS keeps if it sees an evaluator."""
    trace = shrink(macro(), evaluator, Lissnas(seeds=15), np.random.default_rng(seed))
    return _truth(macro().rows(trace.subspace.index))


def _everywhere() -> float:
    return float(_truth(macro().all_rows()).mean())


def test_a_lambda() -> None:
    assert _kept(lambda rows: (rows == 1).sum(axis=1)).mean() > _everywhere() + 1


def test_a_lambda_that_answers_with_a_list() -> None:
    assert _kept(lambda rows: [row.count(1) for row in rows.tolist()]).mean() > _everywhere() + 1  # type: ignore[arg-type, return-value]


def test_a_predictor_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    seen = macro().sample(300, rng)
    forest = RandomForestRegressor(20, random_state=0).fit(seen, _truth(seen))
    assert _kept(forest.predict).mean() > _everywhere() + 1


def test_a_noisy_function_is_asked_once_for_each_network() -> None:
    rng = np.random.default_rng(0)
    asked: list[int] = []

    def noisy(rows: Rows) -> Floats:
        asked.extend(macro().index(rows).tolist())
        return _truth(rows) + rng.normal(0, 1, len(rows))

    assert _kept(noisy).mean() > _everywhere() + 0.5
    assert len(asked) == len(set(asked))


def test_the_same_function_serves_a_search() -> None:
    optimizer, rng = RegularizedEvolution(population=10), np.random.default_rng(0)
    trace = search(WholeSpace(macro()), lambda rows: (rows == 1).sum(axis=1), optimizer, rng, 400)
    assert trace.evaluations.scores.max() >= 7


def test_a_bound_method_an_object_and_a_function_score_alike() -> None:
    class Scorer:
        def __call__(self, rows: Rows) -> Floats:
            return _truth(rows)

        def score(self, rows: Rows) -> Floats:
            return _truth(rows)

    np.testing.assert_array_equal(_kept(Scorer()), _kept(_truth))
    np.testing.assert_array_equal(_kept(Scorer().score), _kept(_truth))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda rows: None, r"scores of shape \(\)"),
        (lambda rows: 3.0, r"scores of shape \(\)"),
        (lambda rows: rows, r"scores of shape \(\d+, 8\)"),
        (lambda rows: ["good"] * len(rows), "must answer with numbers, not with list"),
        (lambda rows: 1 / 0, "the evaluator failed after 0 evaluations.*ZeroDivisionError"),
        (lambda rows: np.zeros(len(rows)), "have the score 0: nothing tells good ones from bad"),
    ],
)
def test_a_function_that_does_not_score_is_refused(function: Evaluator, message: str) -> None:
    with pytest.raises(EvaluatorError, match=message):
        _kept(function)
