"""Evaluations: what counts as spent, and what is remembered of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import ArchitectureError, EvaluatorError, LissnasError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Indices, Rows

SPACE = macro()
SCORES = np.round(np.random.default_rng(0).normal(size=SPACE.size), 1)
SCORES[::3] = np.nan


class _Run:
    """Evaluations of some batches of places, and what their evaluator was asked for."""

    def __init__(self, batches: list[list[int]]) -> None:
        self.asked: list[int] = []
        self.evaluations = Evaluations(SPACE, self._evaluate)
        self.answers = [self.evaluations(SPACE.rows(np.array(batch, dtype=np.int64))) for batch in batches]
        self.distinct = list(dict.fromkeys(place for batch in batches for place in batch))
        self.scored = [place for place in self.distinct if place % 3]

    def _evaluate(self, rows: Rows) -> Floats:
        index: Indices = SPACE.index(rows)
        self.asked += index.tolist()
        return SCORES[index]


batches_of_places = st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=6)


@given(batches_of_places)
def test_each_distinct_architecture_is_evaluated_once_in_the_order_of_asking(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.asked == run.distinct


@given(batches_of_places)
def test_every_call_returns_the_score_of_each_row(batches: list[list[int]]) -> None:
    expected = [SCORES[np.array(batch, dtype=np.int64)] for batch in batches]
    for answer, scores in zip(_Run(batches).answers, expected, strict=True):
        np.testing.assert_array_equal(answer, scores)


@given(batches_of_places)
def test_distinct_architectures_are_counted_those_without_a_score_too(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.evaluations.count == len(run.distinct)


@given(batches_of_places)
def test_only_architectures_with_a_score_are_listed(batches: list[list[int]]) -> None:
    run = _Run(batches)
    assert run.evaluations.index.tolist() == run.scored
    np.testing.assert_array_equal(run.evaluations.scores, SCORES[np.array(run.scored, dtype=np.int64)])


@given(batches_of_places, st.integers(1, 12))
def test_the_best_come_first_and_of_equal_ones_the_earlier(batches: list[list[int]], count: int) -> None:
    run = _Run(batches)
    best = sorted(run.scored, key=lambda place: -SCORES[place])[:count]
    assert SPACE.index(run.evaluations.best(count)).tolist() == best


def test_rows_of_the_same_network_are_one_evaluation(multisets: Any) -> None:
    evaluations = Evaluations(multisets.space, lambda rows: np.ones(len(rows)))
    evaluations(np.array([[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 0, 1]], dtype=np.uint8))
    assert evaluations.count == 2


@given(batches_of_places)
def test_it_is_known_of_every_architecture_whether_it_was_asked_for(batches: list[list[int]]) -> None:
    run = _Run(batches)
    expected = [place in run.distinct for place in range(40)]
    assert run.evaluations.are_evaluated(SPACE.rows(np.arange(40))).tolist() == expected


# Bad answers


def _asked(answer: Any, count: int = 5) -> Evaluations:
    evaluations = Evaluations(SPACE, lambda rows: answer)
    evaluations(SPACE.rows(np.arange(count)))
    return evaluations


def test_architectures_without_a_score_are_named_with_the_reason() -> None:
    evaluations = _asked(np.array([np.nan, 1.0, np.inf, -np.inf, np.nan]))
    assert evaluations.missing.tolist() == [0, 2, 3, 4]
    said = evaluations.describe_missing()
    assert said.startswith("4 of 5 networks have no score and were left out (2 NaN, 2 infinite), the first: 00000000, ")
    assert said.count(",") == 4


def test_nothing_is_said_where_nothing_is_missing() -> None:
    assert _asked(np.arange(5.0)).describe_missing() == ""


def test_an_infinite_score_is_none() -> None:
    evaluations = _asked(np.array([np.inf, 1.0, 2.0, -np.inf, 3.0]))
    assert evaluations.scores.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(evaluations(SPACE.rows(np.array([0, 1]))), [np.nan, 1.0])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.zeros(4), r"answered 5 rows with scores of shape \(4,\)"),
        (np.zeros((5, 1)), r"answered 5 rows with scores of shape \(5, 1\)"),
        (1.0, r"scores of shape \(\)"),
        (None, r"scores of shape \(\)"),
        (["good"] * 5, "must answer with numbers, not with list"),
        ({}, "must answer with numbers, not with dict"),
    ],
)
def test_answers_that_are_no_number_for_each_row_are_refused(answer: Any, said: str) -> None:
    with pytest.raises(EvaluatorError, match=said):
        _asked(answer)


def test_an_evaluator_that_dies_says_where_and_leaves_what_was_scored() -> None:
    def score(rows: Rows) -> Floats:
        if (rows[:, 7] == 2).any():
            raise MemoryError("the card is full")
        return rows[:, 7].astype(float)

    evaluations = Evaluations(SPACE, score)
    evaluations(SPACE.rows(np.array([0, 1])))
    with pytest.raises(EvaluatorError, match="after 2 evaluations, on the next 1: MemoryError: the card is full"):
        evaluations(SPACE.rows(np.array([1, 2])))
    assert evaluations.index.tolist() == [0, 1]


def test_an_error_that_is_meant_for_the_user_is_raised_as_it_is_and_leaves_what_was_scored() -> None:
    def score(rows: Rows) -> Floats:
        if (rows[:, 7] == 2).any():
            raise LissnasError("5 images cannot be read")
        return rows[:, 7].astype(float)

    evaluations = Evaluations(SPACE, score)
    evaluations(SPACE.rows(np.array([0, 1])))
    with pytest.raises(LissnasError, match=r"^5 images cannot be read$"):
        evaluations(SPACE.rows(np.array([1, 2])))
    assert evaluations.index.tolist() == [0, 1]


def test_an_evaluator_may_use_its_answers_memory_again() -> None:
    memory = np.zeros(1)

    def score(rows: Rows) -> Floats:
        memory[:] = rows[0, 7]
        return memory

    evaluations = Evaluations(SPACE, score)
    for place in range(3):
        evaluations(SPACE.rows(np.array([place])))
    assert evaluations.scores.tolist() == [0.0, 1.0, 2.0]


# Tables


def test_a_table_answers_with_its_column() -> None:
    index = np.array([6560, 1, 6560])
    np.testing.assert_array_equal(TableEvaluator(SPACE, SCORES)(SPACE.rows(index)), SCORES[index])


def test_a_table_refuses_rows_of_another_space(mixed: Any) -> None:
    with pytest.raises(ArchitectureError, match="macro takes uint8 rows"):
        TableEvaluator(SPACE, SCORES)(mixed.space.all_rows())


@pytest.mark.parametrize("shape", [(6560,), (6561, 1), ()])
def test_a_column_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match="6561 architectures"):
        TableEvaluator(SPACE, np.zeros(shape))


def test_a_sampled_table_scores_its_rows_and_no_others() -> None:
    places = np.array([3, 7, 6560])
    evaluator = TableEvaluator(SPACE, np.array([1.0, 2.0, 3.0]), places)
    scores = evaluator(SPACE.rows(np.array([7, 0, 3, 6560, 8, 6559])))
    np.testing.assert_array_equal(scores, [2.0, np.nan, 1.0, 3.0, np.nan, np.nan])


def test_a_sampled_table_of_nothing_scores_nothing() -> None:
    evaluator = TableEvaluator(SPACE, np.empty(0), np.empty(0, dtype=np.int64))
    assert np.isnan(evaluator(SPACE.rows(np.array([0, 5])))).all()


def test_rows_that_a_sampled_table_lacks_are_counted_but_have_no_score() -> None:
    evaluations = Evaluations(SPACE, TableEvaluator(SPACE, np.array([5.0]), np.array([3])))
    evaluations(SPACE.rows(np.array([3, 4])))
    assert (evaluations.count, evaluations.index.tolist()) == (2, [3])


@pytest.mark.parametrize("places", [[3, 3], [7, 3], [3], [1, 2, 3]])
def test_places_that_do_not_ascend_or_are_not_one_for_each_score_are_refused(places: list[int]) -> None:
    with pytest.raises(SettingError, match="one for each, ascending"):
        TableEvaluator(SPACE, np.zeros(2), np.array(places))


def test_places_outside_the_space_are_refused() -> None:
    with pytest.raises(ArchitectureError, match="0 to 6560, not 6561"):
        TableEvaluator(SPACE, np.zeros(1), np.array([6561]))
