"""The methods that keep one region: each result is a box, at no more than its evaluations, and better than chance."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.shrink import Trace, shrink, shrinker_class
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.quality import top
from lissnas.subspaces.box import Box

METHODS = ("operation-pruning", "angle", "evolving", "distribution-pruning", "progressive", "design-space")


@pytest.fixture(scope="module")
def runs(nasbench201: Callable[[str], Floats]) -> Callable[[str], list[Trace]]:
    """Three runs of a method on CIFAR-10's validation accuracies, 600 evaluations, 500 networks kept."""
    space, scores = cell201(), nasbench201("c10_val200")
    done: dict[str, list[Trace]] = {}

    def run(method: str) -> list[Trace]:
        if method not in done:
            shrinker: Any = shrinker_class(method)(evaluations=600)  # type: ignore[call-arg]
            evaluator = TableEvaluator(space, scores)
            done[method] = [shrink(space, evaluator, shrinker, np.random.default_rng(seed)) for seed in range(3)]
        return done[method]

    return run


@pytest.mark.parametrize("method", METHODS)
def test_the_result_is_every_network_of_the_choices_it_holds(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        rows = trace.subspace.space.rows(trace.subspace.index)
        choices = [len(np.unique(rows[:, gene])) for gene in range(rows.shape[1])]
        assert isinstance(trace.subspace, Box)
        assert len(rows) == np.prod(choices)


@pytest.mark.parametrize("method", METHODS)
def test_no_more_is_scored_than_asked(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        assert 0 < trace.evaluations.count <= 600


@pytest.mark.parametrize("method", METHODS)
def test_each_round_keeps_a_part_of_the_last(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        for before, after in zip(trace.rounds, trace.rounds[1:], strict=False):
            assert set(after.subspace.index) <= set(before.subspace.index)


@pytest.mark.parametrize("method", [m for m in METHODS if "size" in {f.name for f in fields(shrinker_class(m))}])  # type: ignore[arg-type]
def test_the_size_is_as_near_as_one_choice_more_or_less_allows(method: str, runs: Callable[[str], list[Trace]]) -> None:
    for trace in runs(method):
        # Dropping one of two choices halves a box, so the nearest box is within a factor of the root of 2, or one more.
        assert 500 / 2 <= trace.subspace.size <= 500 * 2


@pytest.mark.parametrize("method", METHODS)
def test_the_best_networks_are_kept_more_often_than_by_chance(
    method: str, runs: Callable[[str], list[Trace]], nasbench201: Callable[[str], Floats]
) -> None:
    best = top(nasbench201("c10_test200"), 0.05)
    kept = np.mean([best[trace.subspace.index].mean() for trace in runs(method)])
    assert kept > 2 * best.mean()
