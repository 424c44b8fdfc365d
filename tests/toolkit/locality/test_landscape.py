"""Landscape: ascent and local optima, against plain loops over neighbors, with ties and missing scores."""

import itertools
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.locality import landscape as landscape_module
from lissnas.locality.landscape import Landscape, edit_graph_of
from lissnas.spaces.published.darts import darts
from lissnas.spaces.space import Floats


def _betters(small: Any, scores: Floats, start: int) -> list[int]:
    return [other for other in np.flatnonzero(small.distance[start] == 1) if scores[other] > scores[start]]


def _ascend(small: Any, scores: Floats, start: int) -> int:
    while betters := _betters(small, scores, start):
        start = max(betters, key=lambda other: (scores[other], other))
    return start


def test_edges_link_the_measured_neighbors(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    landscape = Landscape(small.space, scores)
    measured = np.flatnonzero(~np.isnan(scores))
    expected = {(a, b) for a, b in itertools.permutations(measured, 2) if small.distance[a, b] == 1}
    assert set(zip(landscape.source, landscape.target, strict=True)) == expected


def test_local_optima_of_a_full_table_match_brute_force(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    measured = np.flatnonzero(~np.isnan(scores))
    expected = [architecture for architecture in measured if not _betters(small, scores, architecture)]
    np.testing.assert_array_equal(Landscape(small.space, scores).local_optima(), expected)


def test_the_ends_of_ascent_match_brute_force(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    expected = [_ascend(small, scores, start) for start in range(small.space.size)]
    np.testing.assert_array_equal(Landscape(small.space, scores).ascend(), expected)


def test_global_reach_is_the_share_of_starts_that_end_at_the_best_score(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    starts = np.flatnonzero(~np.isnan(scores))
    reached = [scores[_ascend(small, scores, start)] == np.nanmax(scores) for start in starts]
    assert Landscape(small.space, scores).global_reach() == pytest.approx(np.mean(reached))


def test_basins_and_steps_of_ascent_match_brute_force(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    landscape = Landscape(small.space, scores)
    ends = [_ascend(small, scores, start) for start in np.flatnonzero(~np.isnan(scores))]
    np.testing.assert_array_equal(landscape.basins(), np.bincount(ends, minlength=small.space.size))
    steps = np.zeros(small.space.size, dtype=np.int64)
    for start in range(small.space.size):
        current = start
        while betters := _betters(small, scores, current):
            current = max(betters, key=lambda other: (scores[other], other))
            steps[start] += 1
    np.testing.assert_array_equal(landscape.ascent_steps(), steps)


def test_the_edit_graph_does_not_depend_on_the_block_size(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = edit_graph_of(small.space)
    monkeypatch.setattr(landscape_module, "_ROWS_AT_ONCE", 5)
    in_blocks = edit_graph_of(small.space)
    np.testing.assert_array_equal(in_blocks.offsets, complete.offsets)
    np.testing.assert_array_equal(in_blocks.targets, complete.targets)


def test_the_edit_graph_of_a_space_that_cannot_be_enumerated_is_refused() -> None:
    with pytest.raises(SettingError, match="more than"):
        edit_graph_of(darts())


def test_on_a_plateau_every_architecture_is_a_local_optimum(small: Any) -> None:
    landscape = Landscape(small.space, np.full(small.space.size, 90.0))
    np.testing.assert_array_equal(landscape.local_optima(), np.arange(small.space.size))


def test_a_single_measured_architecture_is_reached_by_all_starts(small: Any) -> None:
    scores = np.full(small.space.size, np.nan)
    scores[2] = 90
    assert Landscape(small.space, scores).global_reach() == 1


def test_scores_of_another_length_are_refused(mixed: Any) -> None:
    with pytest.raises(SettingError, match="24 architectures"):
        Landscape(mixed.space, np.zeros(23))
