"""TableEvaluator: scores from a column of a table."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.spaces.published.macro import macro

SPACE = macro()
SCORES = np.round(np.random.default_rng(0).normal(size=SPACE.size), 1)
SCORES[::3] = np.nan


def test_a_table_returns_its_column() -> None:
    index = np.array([6560, 1, 6560])
    np.testing.assert_array_equal(TableEvaluator(SPACE, SCORES)(SPACE.rows(index)), SCORES[index])


def test_a_table_refuses_rows_of_another_space(mixed: Any) -> None:
    with pytest.raises(ArchitectureError, match="macro takes uint8 rows"):
        TableEvaluator(SPACE, SCORES)(mixed.space.all_rows())


@pytest.mark.parametrize("shape", [(6560,), (6561, 1), ()])
def test_a_column_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match="6561 architectures"):
        TableEvaluator(SPACE, np.zeros(shape))


def test_a_table_of_a_sample_scores_only_its_rows() -> None:
    places = np.array([3, 7, 6560])
    evaluator = TableEvaluator(SPACE, np.array([1.0, 2.0, 3.0]), places)
    scores = evaluator(SPACE.rows(np.array([7, 0, 3, 6560, 8, 6559])))
    np.testing.assert_array_equal(scores, [2.0, np.nan, 1.0, 3.0, np.nan, np.nan])


def test_an_empty_table_scores_nothing() -> None:
    evaluator = TableEvaluator(SPACE, np.empty(0), np.empty(0, dtype=np.int64))
    assert np.isnan(evaluator(SPACE.rows(np.array([0, 5])))).all()


def test_rows_missing_from_a_table_of_a_sample_count_but_have_no_score() -> None:
    evaluations = Evaluations(SPACE, TableEvaluator(SPACE, np.array([5.0]), np.array([3])))
    evaluations(SPACE.rows(np.array([3, 4])))
    assert (evaluations.count, evaluations.index.tolist()) == (2, [3])


@pytest.mark.parametrize("places", [[3, 3], [7, 3], [3], [1, 2, 3]])
def test_places_that_do_not_ascend_or_do_not_match_the_scores_are_refused(places: list[int]) -> None:
    with pytest.raises(SettingError, match="one score for each place, ascending"):
        TableEvaluator(SPACE, np.zeros(2), np.array(places))


def test_places_outside_the_space_are_refused() -> None:
    with pytest.raises(ArchitectureError, match="0 to 6560, not 6561"):
        TableEvaluator(SPACE, np.zeros(1), np.array([6561]))
