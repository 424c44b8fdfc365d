"""Edit regret, against plain maxima over balls."""

from typing import Any

import numpy as np
import pytest
from lissnas.locality.edit_regret import best_within, edit_regret
from lissnas.locality.landscape import Landscape
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table


def _best_in_ball(small: Any, scores: np.ndarray, start: int, edits: int) -> float:
    ball = scores[small.distance[start] <= edits]
    return max(ball[~np.isnan(ball)], default=-np.inf)


def test_the_best_within_some_edits_is_the_maximum_of_the_ball(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    for edits, found in enumerate(best_within(Landscape(small.space, scores))):
        expected = [_best_in_ball(small, scores, start, edits) for start in range(small.space.size)]
        np.testing.assert_array_equal(found, expected)


def test_the_best_rises_to_the_global_optimum(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    *_, last = best_within(Landscape(small.space, scores))
    np.testing.assert_array_equal(last, np.full(small.space.size, np.nanmax(scores)))


def test_regret_is_the_mean_gap_and_left_its_ratio_to_the_first(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    found = edit_regret(Landscape(small.space, scores))
    starts = np.flatnonzero(~np.isnan(scores))
    for edits in found.edits:
        gaps = np.nanmax(scores) - [_best_in_ball(small, scores, start, edits) for start in starts]
        assert found.regret.value[edits] == pytest.approx(np.mean(gaps))
        assert found.left.value[edits] == pytest.approx(np.mean(gaps) / np.mean(np.nanmax(scores) - scores[starts]))
        assert found.reached[edits] == np.mean(gaps == 0)
    assert found.left.value[0] == 1
    assert found.left.value[-1] == 0


def test_the_interval_is_the_jackknife_over_all_architectures_except_the_best(mixed: Any, scores_of: Any) -> None:
    scores = scores_of(24)
    found = edit_regret(Landscape(mixed.space, scores), largest=1)
    assert len(found.edits) == 2
    regret, left = [], []
    places = np.argsort(scores)[: np.count_nonzero(~np.isnan(scores)) - 1]
    for one in places:
        without = scores.copy()
        without[one] = np.nan
        measured = edit_regret(Landscape(mixed.space, without), largest=1)
        regret.append(measured.regret.value[1])
        left.append(measured.left.value[1])
    for values, estimate in ((regret, found.regret), (left, found.left)):
        error = np.sqrt((len(values) - 1) * np.var(values))
        assert estimate.high[1] - estimate.value[1] == pytest.approx(1.959964 * error, rel=1e-6)


@pytest.mark.slow
def test_in_real_cells_one_edit_closes_most_of_the_gap_and_six_all_of_it() -> None:
    table = load_table("analog-nasbench")
    scores = table.values(find_adapter("analog-nasbench").reports, "cifar10")
    found = edit_regret(Landscape(cell201(), scores))
    assert found.edits[-1] <= 6
    assert (np.diff(found.regret.value) < 0).all()
    assert found.left.value[:3] == pytest.approx([1, 0.222, 0.103], abs=0.0005)
