"""Boxes compared with the list of their rows, in products of choices and in spaces of distinct networks."""

import math
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.subspaces.box import Box, shrink_box


@pytest.fixture
def box(small: Any) -> Box:
    """Return the box without the last choice of every second gene, unless it is the only one."""
    box = Box.full(small.space)
    for gene, count in enumerate(small.space.choices):
        if gene % 2 == 0 and count > 1:
            box = box.without(gene, count - 1)
    return box


def _members(box: Box) -> list[int]:
    rows = box.space.all_rows()
    in_box = [all(box.allowed[gene, choice] for gene, choice in enumerate(row)) for row in rows]
    return box.space.index(rows[in_box]).tolist()


def test_the_whole_box_is_the_full_space(small: Any) -> None:
    assert Box.full(small.space).size == small.space.size
    np.testing.assert_array_equal(Box.full(small.space).index, np.arange(small.space.size))


def test_a_box_has_the_rows_of_its_choices(box: Box) -> None:
    assert box.index.tolist() == _members(box)
    assert box.size == len(_members(box))


def test_a_box_contains_its_members_only(box: Box) -> None:
    rows = box.space.all_rows()
    assert np.flatnonzero(box.contains(rows)).tolist() == _members(box)


def test_a_sample_of_full_size_is_the_box(box: Box) -> None:
    sample = box.sample(box.size, np.random.default_rng(0))
    assert sorted(box.space.index(sample)) == _members(box)


def test_samples_are_uniform(small: Any, box: Box) -> None:
    rng = np.random.default_rng(0)
    drawn = np.concatenate([box.space.index(box.sample(1, rng)) for _ in range(200 * box.size)])
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == box.size
    # Counts around 200 have a standard deviation of 14.
    assert np.abs(counts - 200).max() < 6 * math.sqrt(200)


def test_a_sample_larger_than_the_box_is_refused(box: Box) -> None:
    with pytest.raises(SettingError, match="cannot draw"):
        box.sample(box.size + 1, np.random.default_rng(0))


def test_a_box_restricted_to_a_choice_has_the_members_with_that_choice(box: Box) -> None:
    for gene, choice in np.argwhere(box.allowed):
        with_choice = box.space.all_rows()[box.index][:, gene] == choice
        assert box.restricted_to(gene, choice).index.tolist() == box.index[with_choice].tolist()


def test_a_box_of_10_to_the_11_is_counted_and_sampled() -> None:
    space = CategoricalSpace("chain", ("abcd",) * 20, "{}" * 20)
    box = Box.full(space).without(0, 3).without(19, 0)
    assert box.size == 4**18 * 9
    rows = box.sample(1000, np.random.default_rng(0))
    assert box.contains(rows).all()
    assert len(np.unique(rows, axis=0)) == 1000


def test_mean_scores_match_a_plain_loop(box: Box) -> None:
    rng = np.random.default_rng(1)
    rows = box.space.sample(box.space.size // 2 + 1, rng)
    scores = rng.normal(size=len(rows))
    means = box.mean_scores(rows, scores)
    for (gene, choice), mean in np.ndenumerate(means):
        in_box = box.contains_rows(rows) & (rows[:, gene] == choice)
        expected = scores[in_box].mean() if box.allowed[gene, choice] and in_box.any() else np.nan
        np.testing.assert_allclose(mean, expected)


def test_shrink_box_drops_the_lowest_values_and_stops_nearest_to_the_size(mixed: Any) -> None:
    values = np.array([[5, 1, 0, 0], [4, 2, 6, 0], [3, 7, 8, 9]], dtype=float)
    # 24 networks: without gene 0's choice 1 (value 1) 12, without gene 1's choice 1 (value 2) 8, then 6.
    sizes = {24: 24, 18: 24, 16: 12, 11: 12, 9: 8, 7: 8, 6: 6}
    assert {size: shrink_box(Box.full(mixed.space), size, values).size for size in sizes} == sizes


def test_a_choice_without_a_value_stays(mixed: Any) -> None:
    values = np.full((3, 4), np.nan)
    values[2, 1] = 1.0
    assert shrink_box(Box.full(mixed.space), 2, values).size == 18
