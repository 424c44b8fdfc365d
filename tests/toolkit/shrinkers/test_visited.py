"""Baselines that keep the best architectures scored: evolution, local search, a random sample, and a regression."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.predictors.predictor import predictor_names
from lissnas.shrinkers.regression_shrinkage import RegressionShrinkage
from lissnas.shrinkers.shrink import shrink, shrinker_class
from lissnas.shrinkers.visited import VisitedByLocalSearch
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import is_top
from lissnas.subspaces.subspace import ExplicitSubspace

METHODS = ("best-of-sample", "regularized-evolution", "local-search")


@pytest.fixture(scope="module")
def scores(nasbench201: Callable[[str], Floats]) -> Floats:
    return nasbench201("c10_val200")


@pytest.mark.parametrize("method", METHODS)
def test_the_best_scored_are_kept_and_all_evaluations_are_spent(method: str, scores: Floats) -> None:
    space = cell201()
    shrinker: Any = shrinker_class(method)(evaluations=400, size=100)  # type: ignore[call-arg]
    trace = shrink(space, TableEvaluator(space, scores), shrinker, np.random.default_rng(0))
    assert trace.evaluations.count == 400
    evaluated = np.sort(trace.evaluations.scores)
    np.testing.assert_array_equal(np.sort(scores[trace.subspace.index]), evaluated[-100:])


@pytest.mark.parametrize("method", METHODS)
def test_a_size_above_the_evaluations_is_refused(method: str) -> None:
    with pytest.raises(SettingError, match="cannot keep 101 networks"):
        shrinker_class(method)(evaluations=100, size=101)  # type: ignore[call-arg]


@pytest.mark.parametrize("method", METHODS)
def test_a_space_smaller_than_the_budget_is_scored_completely(method: str, mixed: Any) -> None:
    shrinker: Any = shrinker_class(method)(evaluations=100, size=10)  # type: ignore[call-arg]
    evaluator = TableEvaluator(mixed.space, np.arange(24.0))
    trace = shrink(mixed.space, evaluator, shrinker, np.random.default_rng(0))
    assert trace.evaluations.count == 24
    assert trace.subspace.index.tolist() == list(range(14, 24))


def test_local_search_reaches_a_local_optimum_before_it_restarts(scores: Floats) -> None:
    space = cell201()
    shrinker = VisitedByLocalSearch(evaluations=500, size=1)
    trace = shrink(space, TableEvaluator(space, scores), shrinker, np.random.default_rng(1))
    best = space.rows(trace.subspace.index)
    neighbors, _source = space.neighbors(best)
    assert scores[space.index(neighbors)].max() <= scores[trace.subspace.index[0]]


def _shrunk_by_regression(scores: Floats, evaluations: int, seed: int = 0, **settings: Any) -> ExplicitSubspace:
    space = cell201()
    shrinker = RegressionShrinkage(evaluations=evaluations, **settings)
    subspace = shrink(space, TableEvaluator(space, scores), shrinker, np.random.default_rng(seed)).subspace
    assert isinstance(subspace, ExplicitSubspace)
    return subspace


@pytest.mark.parametrize("model", ["boosted-trees", "extra-trees"])
def test_a_regression_on_many_scores_ranks_the_best_first(scores: Floats, model: str) -> None:
    kept = _shrunk_by_regression(scores, 1000, size=156, model=model)
    assert np.median(scores[kept.index]) > np.quantile(scores, 0.97)


@pytest.mark.parametrize("model", predictor_names())
def test_a_regression_on_60_scores_keeps_a_quarter_of_the_best(scores: Floats, model: str) -> None:
    best = is_top(scores, 0.01)
    kept = [best[_shrunk_by_regression(scores, 60, seed, size=500, model=model).index].sum() for seed in range(4)]
    assert np.mean(kept) > 0.25 * best.sum()


def test_a_regression_draws_among_equal_predictions() -> None:
    space = macro()
    shrinker = RegressionShrinkage(evaluations=600, size=300)
    kept = shrink(space, lambda rows: rows[:, -1] + 0.0, shrinker, np.random.default_rng(0)).subspace.index
    assert (space.rows(kept)[:, -1] == 2).all()
    assert kept.max() > 0.9 * space.size
    assert kept.min() < 0.1 * space.size


@pytest.mark.parametrize(("model", "message"), [("boosted-tree", "boosted-trees"), ("", "unknown predictor")])
def test_a_regression_refuses_an_unknown_model(model: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        RegressionShrinkage(model=model)
