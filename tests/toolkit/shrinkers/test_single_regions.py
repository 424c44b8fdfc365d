"""Methods that keep one region: the result is a box, within the budget, and better than chance."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.distribution_pruning import DistributionPruning
from lissnas.shrinkers.progressive_shrinkage import ProgressiveShrinkage
from lissnas.shrinkers.shrink import Trace, shrink, shrinker_class
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import is_top
from lissnas.subspaces.box import Box

METHODS = ("operation-pruning", "angle", "evolving", "distribution-pruning", "progressive", "design-space")


@pytest.fixture(scope="module")
def runs(nasbench201: Callable[[str], Floats]) -> Callable[[str], list[Trace]]:
    """Return three runs of a method on CIFAR-10 validation accuracies, with 600 evaluations and size 500."""
    space, scores = cell201(), nasbench201("c10_val200")
    traces: dict[str, list[Trace]] = {}

    def run(method: str) -> list[Trace]:
        if method not in traces:
            shrinker: Any = shrinker_class(method)(evaluations=600)  # type: ignore[call-arg]
            evaluator = TableEvaluator(space, scores)
            traces[method] = [shrink(space, evaluator, shrinker, np.random.default_rng(seed)) for seed in range(3)]
        return traces[method]

    return run


@pytest.mark.parametrize("method", METHODS)
def test_the_result_is_every_combination_of_its_choices(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        rows = trace.subspace.space.rows(trace.subspace.index)
        choices = [len(np.unique(rows[:, gene])) for gene in range(rows.shape[1])]
        assert isinstance(trace.subspace, Box)
        assert len(rows) == np.prod(choices)


@pytest.mark.parametrize("method", METHODS)
def test_the_budget_is_not_exceeded(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        assert 0 < trace.evaluations.count <= 600


@pytest.mark.parametrize("method", METHODS)
def test_each_round_keeps_a_subset_of_the_round_before(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        for before, after in zip(trace.rounds, trace.rounds[1:], strict=False):
            assert set(after.subspace.index) <= set(before.subspace.index)


@pytest.mark.parametrize("method", [m for m in METHODS if "size" in {f.name for f in fields(shrinker_class(m))}])  # type: ignore[arg-type]
def test_the_size_is_the_nearest_that_dropping_choices_allows(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        # Dropping one of two choices halves a box, so the nearest box is within a factor of 2.
        assert 500 / 2 <= trace.subspace.size <= 500 * 2


@pytest.mark.parametrize("method", METHODS)
def test_the_best_architectures_are_kept_more_often_than_by_chance(
    method: str, runs: Callable[[str], list[Trace]], nasbench201: Callable[[str], Floats]
) -> None:
    best = is_top(nasbench201("c10_test200"), 0.05)
    kept = np.mean([best[trace.subspace.index].mean() for trace in runs(method)])
    assert kept > 2 * best.mean()


def test_progressive_shrinkage_drops_choices_that_were_never_scored_before_others() -> None:
    space = CategoricalSpace("wide", ("abcdefgh",) * 3, "{}{}{}")
    trace = shrink(space, lambda rows: rows.sum(axis=1), ProgressiveShrinkage(evaluations=6), np.random.default_rng(0))
    after_first = trace.rounds[1].subspace
    assert isinstance(after_first, Box)
    scored = space.rows(trace.evaluations.index[:3])
    assert after_first.allowed[np.arange(3), scored].all()


def test_distribution_pruning_divides_its_evaluations_among_its_rounds() -> None:
    space = CategoricalSpace("huge", ("abcdefgh",) * 12, "{}" * 12)
    shrinker = DistributionPruning(evaluations=100, size=10**6, max_rounds=4)
    trace = shrink(space, lambda rows: rows.sum(axis=1), shrinker, np.random.default_rng(0))
    assert [step.evaluations for step in trace.rounds] == [0, 25, 50, 75, 100]
