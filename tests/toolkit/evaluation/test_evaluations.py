"""Evaluations: what counts toward the budget, and what is remembered."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import EvaluatorError, LissnasError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Indices, Rows
from lissnas.subspaces.subspace import ExplicitSubspace

SPACE = macro()
SCORES = np.round(np.random.default_rng(0).normal(size=SPACE.size), 1)
SCORES[::3] = np.nan


class _Run:
    """Evaluations of some batches of places, and the places that the evaluator was called with."""

    def __init__(self, batches: list[list[int]]) -> None:
        self.called_with: list[int] = []
        self.evaluations = Evaluations(SPACE, self._evaluate)
        self.scores = [self.evaluations(SPACE.rows(np.array(batch, dtype=np.int64))) for batch in batches]
        self.distinct = list(dict.fromkeys(place for batch in batches for place in batch))
        self.scored = [place for place in self.distinct if place % 3]

    def _evaluate(self, rows: Rows) -> Floats:
        index: Indices = SPACE.index(rows)
        self.called_with += index.tolist()
        return SCORES[index]


batches_of_places = st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=6)


@given(batches_of_places)
def test_each_distinct_architecture_is_evaluated_once_and_in_order(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.called_with == run.distinct


@given(batches_of_places)
def test_every_call_returns_the_score_of_each_row(batches: list[list[int]]) -> None:
    expected = [SCORES[np.array(batch, dtype=np.int64)] for batch in batches]
    for scores, column in zip(_Run(batches).scores, expected, strict=True):
        np.testing.assert_array_equal(scores, column)


@given(batches_of_places)
def test_architectures_without_a_score_count_too(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.evaluations.count == len(run.distinct)


@given(batches_of_places)
def test_only_architectures_with_a_score_are_listed(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.evaluations.index.tolist() == run.scored
    np.testing.assert_array_equal(run.evaluations.scores, SCORES[np.array(run.scored, dtype=np.int64)])


@given(batches_of_places, st.integers(1, 12))
def test_the_best_come_first_and_ties_go_to_the_earlier(batches: list[list[int]], count: int) -> None:
    run = _Run(batches)
    best = sorted(run.scored, key=lambda place: -SCORES[place])[:count]
    assert SPACE.index(run.evaluations.best(count)).tolist() == best


def test_rows_of_the_same_network_are_one_evaluation(multisets: Any) -> None:
    evaluations = Evaluations(multisets.space, lambda rows: np.ones(len(rows)))
    evaluations(np.array([[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 0, 1]], dtype=np.uint8))
    assert evaluations.count == 2


@given(batches_of_places)
def test_evaluations_know_which_architectures_were_evaluated(batches: list[list[int]]) -> None:
    run = _Run(batches)
    expected = [place in run.distinct for place in range(40)]
    assert run.evaluations.are_evaluated(SPACE.rows(np.arange(40))).tolist() == expected


# Invalid scores


def _evaluated(returned: Any, count: int = 5) -> Evaluations:
    evaluations = Evaluations(SPACE, lambda rows: returned)
    evaluations(SPACE.rows(np.arange(count)))
    return evaluations


def test_architectures_without_a_score_are_named_with_the_reason() -> None:
    evaluations = _evaluated(np.array([np.nan, 1.0, np.inf, -np.inf, np.nan]))
    assert evaluations.missing.tolist() == [0, 2, 3, 4]
    sentence = evaluations.describe_missing()
    assert sentence.startswith(
        "4 of 5 networks have no score and were left out (2 NaN, 2 infinite), the first: 00000000, "
    )
    assert sentence.count(",") == 4


def test_without_missing_scores_there_is_no_sentence() -> None:
    assert _evaluated(np.arange(5.0)).describe_missing() == ""


def test_an_infinite_score_counts_as_missing() -> None:
    evaluations = _evaluated(np.array([np.inf, 1.0, 2.0, -np.inf, 3.0]))
    assert evaluations.scores.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(evaluations(SPACE.rows(np.array([0, 1]))), [np.nan, 1.0])


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros(4), r"returned scores of shape \(4,\) for 5 rows"),
        (np.zeros((5, 1)), r"returned scores of shape \(5, 1\) for 5 rows"),
        (1.0, r"scores of shape \(\)"),
        (None, r"scores of shape \(\)"),
        (["good"] * 5, "must return numbers, not list"),
        ({}, "must return numbers, not dict"),
    ],
)
def test_anything_but_one_number_for_each_row_is_refused(returned: Any, message: str) -> None:
    with pytest.raises(EvaluatorError, match=message):
        _evaluated(returned)


def test_a_failure_of_the_evaluator_says_when_it_happened_and_loses_no_score() -> None:
    def score(rows: Rows) -> Floats:
        if (rows[:, 7] == 2).any():
            raise MemoryError("the card is full")
        return rows[:, 7].astype(float)

    evaluations = Evaluations(SPACE, score)
    evaluations(SPACE.rows(np.array([0, 1])))
    with pytest.raises(EvaluatorError, match="after 2 evaluations, on the next 1: MemoryError: the card is full"):
        evaluations(SPACE.rows(np.array([1, 2])))
    assert evaluations.index.tolist() == [0, 1]


def test_a_lissnas_error_of_the_evaluator_is_raised_unchanged_and_loses_no_score() -> None:
    def score(rows: Rows) -> Floats:
        if (rows[:, 7] == 2).any():
            raise LissnasError("5 images cannot be read")
        return rows[:, 7].astype(float)

    evaluations = Evaluations(SPACE, score)
    evaluations(SPACE.rows(np.array([0, 1])))
    with pytest.raises(LissnasError, match=r"^5 images cannot be read$"):
        evaluations(SPACE.rows(np.array([1, 2])))
    assert evaluations.index.tolist() == [0, 1]


def test_an_evaluator_may_reuse_the_memory_of_its_scores() -> None:
    memory = np.zeros(1)

    def score(rows: Rows) -> Floats:
        memory[:] = rows[0, 7]
        return memory

    evaluations = Evaluations(SPACE, score)
    for place in range(3):
        evaluations(SPACE.rows(np.array([place])))
    assert evaluations.scores.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("scores", [[2.0, 2.0], [2.0, 2.0, np.nan]])
def test_scores_that_are_all_equal_are_refused(scores: list[float]) -> None:
    evaluations = Evaluations(SPACE, lambda rows: np.array(scores))
    evaluations(SPACE.rows(np.arange(len(scores))))
    with pytest.raises(EvaluatorError, match="all 2 networks have the score 2: a method needs scores that differ"):
        evaluations.check_that_scores_differ()


@pytest.mark.parametrize("scores", [[], [2.0], [2.0, np.nan], [2.0, 1.0], [2.0, 2.0, 1.0]])
def test_one_score_or_scores_that_differ_are_accepted(scores: list[float]) -> None:
    evaluations = Evaluations(SPACE, lambda rows: np.array(scores))
    evaluations(SPACE.rows(np.arange(len(scores))))
    evaluations.check_that_scores_differ()


def test_a_run_without_any_score_is_refused() -> None:
    evaluations = Evaluations(SPACE, lambda rows: np.full(len(rows), np.nan))
    evaluations(SPACE.rows(np.arange(2)))
    with pytest.raises(EvaluatorError, match="2 of 2 networks have no score"):
        evaluations.check_that_scores_differ()


@pytest.mark.parametrize(
    ("before", "total", "evaluated"), [(0, 12, 12), (5, 12, 12), (12, 12, 12), (20, 12, 20), (5, 99, 40)]
)
def test_unseen_networks_are_scored_until_a_total_or_until_none_is_left(
    before: int, total: int, evaluated: int
) -> None:
    evaluations = Evaluations(SPACE, lambda rows: SCORES[SPACE.index(rows)])
    subspace = ExplicitSubspace(SPACE, np.arange(40))
    evaluations(SPACE.rows(np.arange(before)))
    score_unseen(subspace, evaluations, total, np.random.default_rng(0))
    assert evaluations.count == evaluated
