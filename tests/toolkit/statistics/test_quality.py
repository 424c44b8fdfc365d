"""Quality, top shares and expected best, against values computed by hand and by enumeration."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.spaces.published.macro import macro
from lissnas.statistics.quality import expected_best, is_top, quality, shrinkage_score
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace


@given(st.lists(st.one_of(st.integers(0, 9).map(float), st.just(np.nan)), min_size=1), st.floats(0.01, 0.99))
def test_top_marks_the_best_and_all_ties_with_the_last_of_them(scores: list[float], share: float) -> None:
    measured = sorted((score for score in scores if score == score), reverse=True)
    count = max(1, round(share * len(measured)))
    if not measured:
        with pytest.raises(SettingError, match="no architecture has a score"):
            is_top(np.array(scores), share)
    else:
        assert is_top(np.array(scores), share).tolist() == [score >= measured[count - 1] for score in scores]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(SettingError, match="not between 0 and 1"):
        is_top(np.arange(10.0), share)


def _entropy(*counts: int) -> float:
    shares = np.array(counts) / sum(counts)
    return float(-(shares * np.log(shares)).sum() / np.log(3))


@pytest.fixture
def small_quality() -> dict[str, Any]:
    """Return the quality of three near chains, one far from them, and one without a score; scores are 1 to 6560."""
    space = macro()
    scores = np.arange(6561.0)
    scores[0] = np.nan
    chains = ["22222200", "22222201", "22222210", "00000000", "00000001"]
    subspace = ExplicitSubspace(space, space.index(space.read(chains)))
    return vars(quality(subspace, scores))


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("size", 5),
        ("size_ratio", 5 / 6561),
        # 22222222 has score 6560, so these have 6552, 6553, 6555; 00000001 has 1; 00000000 has none.
        ("mean", (6552 + 6553 + 6555 + 1) / 4),
        ("best", 6555),
        # The top 1 % of 6,560 scores are 66 (65.6), the top 5 % 328.
        ("recall_1", 3 / 66),
        ("recall_5", 3 / 328),
        ("lift_1", (3 / 4) / (66 / 6560)),
        ("lift_5", (3 / 4) / (328 / 6560)),
        # Pairs: 1, 1, 2 edits within the first three; 6, 7 from 22222200; 7, 6 from ...01; 7, 8 from ...10; 1.
        ("diversity", (1 + 1 + 2 + 6 + 7 + 7 + 6 + 7 + 8 + 1) / 10 / 8),
        ("pockets", 2),
        ("largest_pocket", 3 / 5),
        # 1, 6552, 6553, 6555, interpolated as NumPy does: at 0.75, 1.5 and 2.25 of the places 0 to 3.
        ("lower_quartile", 1 + 0.75 * 6551),
        ("median", 6552.5),
        ("upper_quartile", 6553 + 0.25 * 2),
        ("best_of_10", 6555),
        # The first six layers are 2, 2, 2, 0, 0; the seventh 0, 0, 1, 0, 0; the last 0, 1, 0, 0, 1.
        ("entropy", (7 * _entropy(2, 3) + _entropy(1, 4)) / 8),
        # The mean of 1 to 6560 is 3280.5; it rises by 1634.75 of 3279.5, and the size falls from 6561 to 5.
        ("shrinkage_score", (4915.25 - 3280.5) / 3279.5 * np.log(6561 / 5) / np.log(6561)),
    ],
)
def test_quality_matches_hand_computation(small_quality: dict[str, Any], measure: str, expected: float) -> None:
    assert small_quality[measure] == pytest.approx(expected)


def test_the_full_space_has_recall_1_and_lift_1() -> None:
    space = macro()
    found = quality(FullSpace(space), np.arange(6561.0))
    # Two random chains differ in 2/3 of the layers; different ones a little more often.
    expected = (1.0, 1.0, 1.0, 1.0, 1.0, 1, 2 / 3 * 6561 / 6560)
    assert (
        found.size_ratio,
        found.recall_1,
        found.recall_5,
        found.lift_1,
        found.lift_5,
        found.pockets,
        found.diversity,
    ) == pytest.approx(expected)


def test_the_shrinkage_score_is_0_for_the_full_space_and_1_for_the_best_alone() -> None:
    space, scores = macro(), np.arange(6561.0)
    assert quality(FullSpace(space), scores).shrinkage_score == 0
    assert quality(ExplicitSubspace(space, np.array([6560])), scores).shrinkage_score == pytest.approx(1)
    assert quality(ExplicitSubspace(space, np.array([0])), scores).shrinkage_score < 0


def test_a_random_subset_has_a_shrinkage_score_of_about_0() -> None:
    space, rng = macro(), np.random.default_rng(0)
    found = [
        quality(ExplicitSubspace(space, rng.choice(6561, 500, replace=False)), np.arange(6561.0)).shrinkage_score
        for _ in range(100)
    ]
    assert abs(np.mean(found)) < 5 * np.std(found) / 10


def test_the_shrinkage_score_is_0_where_all_scores_are_equal() -> None:
    assert shrinkage_score(90, 5, 90, 90, 100) == 0


def test_a_subspace_without_scores_is_refused() -> None:
    scores = np.arange(6561.0)
    scores[[3, 4]] = np.nan
    with pytest.raises(SettingError, match="none of the subspace's architectures has a score"):
        quality(ExplicitSubspace(macro(), np.array([3, 4])), scores)


@given(st.lists(st.integers(0, 50).map(float), min_size=1, max_size=9))
def test_the_expected_best_is_the_mean_over_every_possible_draw(scores: list[float]) -> None:
    draws = np.arange(1, len(scores) + 1)
    expected = [np.mean([max(drawn) for drawn in combinations(scores, k)]) for k in draws]
    np.testing.assert_allclose(expected_best(np.array(scores), draws), expected)


def test_the_expected_best_of_one_draw_is_the_mean_and_of_all_the_best() -> None:
    scores = np.random.default_rng(0).normal(90, 2, 15_625)
    found = expected_best(scores, np.array([1, 15_625, 20_000]))
    assert found == pytest.approx([scores.mean(), scores.max(), scores.max()])


def test_the_expected_best_rises_with_the_draws() -> None:
    scores = np.random.default_rng(1).normal(90, 2, 500)
    assert (np.diff(expected_best(scores, np.arange(1, 501))) > 0).all()


def test_the_expected_best_of_a_large_space_matches_simulation() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(90, 2, 3000)
    drawn = np.array([rng.choice(scores, 40, replace=False).max() for _ in range(4000)])
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(expected_best(scores, np.array([40]))[0] - drawn.mean()) < 5 * error


def test_the_expected_best_ignores_missing_scores() -> None:
    assert expected_best(np.array([np.nan, 1, 3]), np.array([1, 2])).tolist() == [2, 3]


def test_the_expected_best_of_no_draws_or_no_scores_is_refused() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        expected_best(np.ones(3), np.array([0]))
    with pytest.raises(SettingError, match="score"):
        expected_best(np.array([np.nan]), np.array([1]))
