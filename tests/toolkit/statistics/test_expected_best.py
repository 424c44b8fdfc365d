"""Expected best of random draws, against every possible draw."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.statistics.expected_best import expected_best


@given(st.lists(st.integers(0, 50).map(float), min_size=1, max_size=9))
def test_the_expected_best_is_the_mean_over_every_possible_draw(scores: list[float]) -> None:
    draws = np.arange(1, len(scores) + 1)
    expected = [np.mean([max(drawn) for drawn in combinations(scores, k)]) for k in draws]
    np.testing.assert_allclose(expected_best(np.array(scores), draws), expected)


def test_one_draw_finds_the_mean_and_all_find_the_best() -> None:
    scores = np.random.default_rng(0).normal(90, 2, 15_625)
    found = expected_best(scores, np.array([1, 15_625, 20_000]))
    assert found == pytest.approx([scores.mean(), scores.max(), scores.max()])


def test_more_draws_find_better_ones() -> None:
    scores = np.random.default_rng(1).normal(90, 2, 500)
    assert (np.diff(expected_best(scores, np.arange(1, 501))) > 0).all()


def test_the_expected_best_of_a_large_space_is_what_draws_find() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(90, 2, 3000)
    drawn = np.array([rng.choice(scores, 40, replace=False).max() for _ in range(4000)])
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(expected_best(scores, np.array([40]))[0] - drawn.mean()) < 5 * error


def test_missing_scores_are_left_out() -> None:
    assert expected_best(np.array([np.nan, 1, 3]), np.array([1, 2])).tolist() == [2, 3]


def test_no_draws_and_no_scores_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        expected_best(np.ones(3), np.array([0]))
    with pytest.raises(SettingError, match="score"):
        expected_best(np.array([np.nan]), np.array([1]))
