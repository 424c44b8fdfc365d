"""The contract of every shrinker, and how methods compare on a real table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.errors import UnknownNameError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.operation_pruning import OperationPruning
from lissnas.shrinkers.shrink import Trace, shrink, shrinker_class, shrinker_names
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.statistics.quality import quality
from lissnas.subspaces.subspace_file import load, save


class _Landscape:
    """Scores with locality: one term per choice, and noise. A share of them is missing."""

    def __init__(self, space: Space, missing: float) -> None:
        rng = np.random.default_rng(0)
        terms = rng.normal(size=max(space.choices))
        self.scores = terms[space.all_rows()].sum(axis=1) + rng.normal(size=space.size)
        self.scores[rng.random(space.size) < missing] = np.nan
        self.space = space
        self.evaluated: list[int] = []

    def __call__(self, rows: Rows) -> Floats:
        index = self.space.index(rows)
        self.evaluated += index.tolist()
        return self.scores[index]


@pytest.fixture(scope="module", params=["full", "half", "distinct"])
def landscape(request: pytest.FixtureRequest, anagrams_of_five: DistinctSpace) -> _Landscape:
    if request.param == "distinct":
        return _Landscape(anagrams_of_five, missing=0)
    return _Landscape(macro(), missing=0.5 if request.param == "half" else 0)


@pytest.fixture(scope="module", params=shrinker_names())
def method(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def run(landscape: _Landscape, method: str) -> Callable[[], Trace]:
    # The Gaussian process of LISSNAS with a model takes seconds for the evaluations of the defaults.
    settings: dict[str, Any] = {"confidence": 0.6, "seeds": 15} if method == "lissnas-model" else {}
    shrinker = shrinker_class(method)(**settings)
    return lambda: shrink(landscape.space, landscape, shrinker, np.random.default_rng(7))


@pytest.fixture(scope="module")
def trace(run: Callable[[], Trace], landscape: _Landscape) -> Trace:
    landscape.evaluated.clear()
    return run()


def test_the_same_seed_gives_the_same_bits(trace: Trace, run: Callable[[], Trace]) -> None:
    again = run()
    np.testing.assert_array_equal(again.evaluations.index, trace.evaluations.index)
    for first, second in zip(trace.rounds, again.rounds, strict=True):
        np.testing.assert_array_equal(first.subspace.index, second.subspace.index)


def test_a_run_starts_from_the_full_space_without_evaluations(trace: Trace, landscape: _Landscape) -> None:
    assert (trace.rounds[0].subspace.size, trace.rounds[0].evaluations) == (landscape.space.size, 0)


def test_evaluations_never_fall_from_round_to_round(trace: Trace) -> None:
    spent = [step.evaluations for step in trace.rounds] + [trace.evaluations.count]
    assert spent == sorted(spent)


def test_no_architecture_is_scored_twice(run: Callable[[], Trace], landscape: _Landscape) -> None:
    landscape.evaluated.clear()
    spent = run().evaluations.count
    assert len(landscape.evaluated) == len(set(landscape.evaluated)) == spent


def test_the_result_is_a_proper_subset_of_the_space(trace: Trace, landscape: _Landscape) -> None:
    index = trace.subspace.index
    assert 0 < len(index) < landscape.space.size
    assert sorted(set(range(landscape.space.size)).intersection(index.tolist())) == index.tolist()


def test_the_result_is_read_from_its_file_as_it_was(trace: Trace, landscape: _Landscape, tmp_path: Path) -> None:
    save(trace.subspace, tmp_path / "shrunk.parquet", {})
    found, _provenance = load(tmp_path / "shrunk.parquet", landscape.space)
    np.testing.assert_array_equal(found.index, trace.subspace.index)


@pytest.mark.parametrize(("wrong", "right"), [("lisnas", "lissnas"), ("operation pruning", "operation-pruning")])
def test_the_error_for_an_unknown_method_suggests_the_nearest_name(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{right}'"):
        shrinker_class(wrong)


# A known comparison, selecting by validation accuracy: on CIFAR-10 many pockets keep most of the top
# 1 %, and one region loses them.


@pytest.fixture(scope="module")
def compared(nasbench201: Callable[[str], Floats]) -> dict[str, Any]:
    space, evaluator = cell201(), TableEvaluator(cell201(), nasbench201("c10_val200"))
    figures = []
    for seed in range(20):
        ours = shrink(space, evaluator, Lissnas(), np.random.default_rng(seed))
        budget = OperationPruning(evaluations=ours.evaluations.count, size=ours.subspace.size)
        theirs = shrink(space, evaluator, budget, np.random.default_rng(seed))
        recalls = [quality(trace.subspace, nasbench201("c10_test200")).recall_1 for trace in (ours, theirs)]
        figures.append((ours.subspace.size, ours.evaluations.count, *recalls))
    return dict(zip(("size", "evaluations", "lissnas", "operation pruning"), np.mean(figures, axis=0), strict=True))


# Means over 20 seeds. The ranges allow for other draws, and not for another ranking of the methods.


def test_lissnas_keeps_most_of_the_top_1_percent_of_cell201(compared: dict[str, Any]) -> None:
    assert 0.65 < compared["lissnas"] < 0.85


def test_lissnas_keeps_about_500_cells(compared: dict[str, Any]) -> None:
    assert 400 < compared["size"] < 600


def test_lissnas_evaluates_about_1200_cells(compared: dict[str, Any]) -> None:
    assert 1050 < compared["evaluations"] < 1300


def test_operation_pruning_loses_most_of_the_top_1_percent_at_equal_cost(compared: dict[str, Any]) -> None:
    assert compared["operation pruning"] < 0.5


def test_lissnas_keeps_more_of_the_top_than_operation_pruning_on_cell201(compared: dict[str, Any]) -> None:
    assert compared["lissnas"] > compared["operation pruning"]
