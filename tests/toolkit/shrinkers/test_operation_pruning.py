"""Operation pruning: one region, within the budget, without the operations of the lowest mean score."""

import itertools
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.shrinkers.operation_pruning import OperationPruning
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows, Space


def _score(rows: Rows) -> Floats:
    return (rows * 0.8 ** np.arange(rows.shape[1])).sum(axis=1) + np.sin(rows @ (7 ** np.arange(rows.shape[1])))


def _run(space: Space, seed: int = 0, **settings: Any) -> Trace:
    return shrink(space, _score, OperationPruning(**settings), np.random.default_rng(seed))


@pytest.fixture(params=["macro", "anagrams"])
def space(request: pytest.FixtureRequest, anagrams_of_five: DistinctSpace) -> Space:
    return macro() if request.param == "macro" else anagrams_of_five


def test_every_round_is_a_box(space: Space) -> None:
    for step in _run(space).rounds:
        rows = space.rows(step.subspace.index)
        all_rows = space.all_rows()
        box = np.all([np.isin(all_rows[:, gene], rows[:, gene]) for gene in range(space.genes)], axis=0)
        np.testing.assert_array_equal(step.subspace.index, np.flatnonzero(box))


@pytest.mark.parametrize("evaluations", [4, 5, 123, 1200, 5000])
@pytest.mark.parametrize("size", [1, 100, 700])
def test_the_budget_is_not_exceeded(space: Space, evaluations: int, size: int) -> None:
    assert _run(space, evaluations=evaluations, size=size).evaluations.count <= evaluations


def test_the_budget_is_spent_in_equal_parts() -> None:
    steps = _run(macro(), evaluations=1001).rounds
    assert [step.evaluations for step in steps] == [0, 250, 500, 750, 1001]


def test_each_round_scores_only_the_region_that_is_left() -> None:
    trace = _run(macro())
    for before, step in itertools.pairwise(trace.rounds):
        new = trace.evaluations.index[before.evaluations : step.evaluations]
        assert np.isin(new, before.subspace.index).all()


def _prune_in_plain_python(
    rows: list[tuple[int, ...]], evaluated: dict[tuple[int, ...], float], size: float
) -> list[tuple[int, ...]]:
    while len(rows) > size:
        means = {}
        for gene, choice in itertools.product(range(8), range(3)):
            scores = [evaluated[row] for row in rows if row in evaluated and row[gene] == choice]
            if scores and any(row[gene] != choice for row in rows):
                means[gene, choice] = np.mean(scores)
        gene, choice = min(means, key=lambda key: means[key])
        smaller = [row for row in rows if row[gene] != choice]
        if abs(np.log(len(smaller) / size)) > abs(np.log(len(rows) / size)):
            break
        rows = smaller
    return rows


def test_the_choice_of_lowest_mean_is_dropped_until_the_size_is_nearest() -> None:
    space = macro()
    trace = _run(space)
    rows = [tuple(row) for row in space.all_rows().tolist()]
    for number, step in enumerate(trace.rounds[1:], start=1):
        scored = trace.evaluations.rows[: step.evaluations]
        evaluated = {tuple(row): score for row, score in zip(scored.tolist(), _score(scored), strict=True)}
        rows = _prune_in_plain_python(rows, evaluated, round(6561 * (500 / 6561) ** (number / 4)))
        assert step.subspace.index.tolist() == space.index(np.array(rows, dtype=np.uint8)).tolist()


def test_an_operation_that_is_worse_everywhere_is_dropped() -> None:
    space = macro()
    trace = shrink(
        space,
        lambda rows: np.where((rows == 1).any(axis=1), 10.0, 90.0) - rows.sum(axis=1),
        OperationPruning(size=2**8),
        np.random.default_rng(0),
    )
    assert not (space.rows(trace.subspace.index) == 1).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"evaluations": 0}, "evaluations must be at least 1"),
        ({"size": 0}, "size must be at least 1"),
        ({"max_rounds": 0}, "max_rounds must be at least 1"),
        ({"evaluations": 3}, "3 evaluations cannot be spread over 4 rounds"),
        ({"size": 6562}, "cannot keep 6,562 of the 6,561 networks of macro"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        _run(macro(), **settings)
