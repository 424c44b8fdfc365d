"""Sampled ascents and local optima networks, against those of enumerated spaces."""

from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.locality.edit_regret import best_within
from lissnas.locality.landscape import Landscape
from lissnas.locality.local_optima_network import funnels, local_optima_network
from lissnas.locality.sampled_landscape import ascents, sampled_local_optima_network


def _untied(size: int) -> np.ndarray:
    return np.random.default_rng(size).permutation(size).astype(np.float64)


def test_ascents_from_every_start_match_the_landscape(small: Any) -> None:
    scores = _untied(small.space.size)
    landscape = Landscape(small.space, scores)
    found = ascents(small.space, TableEvaluator(small.space, scores), small.space.all_rows())
    np.testing.assert_array_equal(small.space.index(found.ends), landscape.ascend())
    np.testing.assert_array_equal(found.end_scores, scores[landscape.ascend()])
    np.testing.assert_array_equal(found.steps, landscape.ascent_steps())
    np.testing.assert_array_equal(found.start_scores, scores)
    np.testing.assert_array_equal(found.nearest_best, list(best_within(landscape))[1])
    np.testing.assert_array_equal(found.gap_source, landscape.source)
    np.testing.assert_array_equal(found.gaps, np.abs(scores[landscape.source] - scores[landscape.target]))


def test_ascents_avoid_missing_scores(small: Any) -> None:
    scores = _untied(small.space.size)
    scores[::3] = np.nan
    landscape = Landscape(small.space, scores)
    starts = np.flatnonzero(landscape.measured)
    found = ascents(small.space, TableEvaluator(small.space, scores), small.space.rows(starts))
    np.testing.assert_array_equal(small.space.index(found.ends), landscape.ascend()[starts])


def test_a_start_without_a_score_is_refused(mixed: Any) -> None:
    scores = np.zeros(24)
    scores[3] = np.nan
    with pytest.raises(SettingError, match="1 of 24 starts"):
        ascents(mixed.space, TableEvaluator(mixed.space, scores), mixed.space.all_rows())


@pytest.fixture(scope="module", params=[0, 1, 2])
def rugged(request: pytest.FixtureRequest, mixed: Any) -> Landscape:
    return Landscape(mixed.space, np.random.default_rng(request.param).permutation(24).astype(np.float64))


def test_the_sampled_network_is_part_of_the_full_network(mixed: Any, rugged: Landscape) -> None:
    evaluator = TableEvaluator(mixed.space, rugged.scores)
    full = local_optima_network(rugged, 2)
    edges = set(zip(full.optima[full.source].tolist(), full.optima[full.target].tolist(), strict=True))
    starts = ascents(mixed.space, evaluator, mixed.space.all_rows())
    found = sampled_local_optima_network(mixed.space, evaluator, starts, np.random.default_rng(0), 2, 3)
    assert set(found.optima) <= set(full.optima)
    assert set(zip(found.optima[found.source].tolist(), found.optima[found.target].tolist(), strict=True)) <= edges
    np.testing.assert_array_equal(found.scores, rugged.scores[found.optima])
    # All starts are given, so the basins are exact.
    basins = dict(zip(full.optima.tolist(), full.basins.tolist(), strict=True))
    assert found.basins == pytest.approx([basins[optimum] for optimum in found.optima])


def test_searches_with_enough_patience_find_every_funnel(mixed: Any, rugged: Landscape) -> None:
    evaluator = TableEvaluator(mixed.space, rugged.scores)
    starts = ascents(mixed.space, evaluator, mixed.space.all_rows())
    found = sampled_local_optima_network(mixed.space, evaluator, starts, np.random.default_rng(0), 2, 60)
    full = funnels(local_optima_network(rugged, 2))
    np.testing.assert_array_equal(funnels(found).sink_scores, full.sink_scores)


def test_searches_without_edits_or_patience_are_refused(mixed: Any, rugged: Landscape) -> None:
    evaluator = TableEvaluator(mixed.space, rugged.scores)
    starts = ascents(mixed.space, evaluator, mixed.space.all_rows())
    for edits, patience in ((0, 5), (2, 0)):
        with pytest.raises(SettingError, match="at least 1"):
            sampled_local_optima_network(mixed.space, evaluator, starts, np.random.default_rng(0), edits, patience)
