"""The locality of one benchmark: all pairs of a small space, near pairs only of a large one."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from lissnas_analyses.locality import measure
from lissnas_analyses.locality.draw import draw_locality
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure


def _caption(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_a_space_too_large_for_all_pairs_is_measured_up_to_two_edits(
    proteins: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_pairs = measure.measure(proteins)
    assert "over all pairs of" in _caption(draw_locality(all_pairs, proteins))
    monkeypatch.setattr(measure, "_ALL_PAIRS", proteins.space.size - 1)
    near_only = measure.measure(proteins)
    assert near_only.by_distance.equals(all_pairs.by_distance.filter(pl.col("distance") <= 2))
    assert near_only.summary.equals(all_pairs.summary)
    assert "over all pairs up to 2 edits apart of" in _caption(draw_locality(near_only, proteins))


def test_a_distance_to_the_optimum_at_which_no_network_has_a_score_has_no_quantiles(proteins: Benchmark) -> None:
    space = proteins.space
    [distance] = space.distances(space.rows(np.array([7])), space.all_rows())
    scores = np.where(distance <= 2, -1.0 * distance, np.nan)
    to_optimum = measure.measure(replace(proteins, report=scores)).to_optimum
    assert to_optimum["networks"].sum() == np.count_nonzero(distance <= 2)
    empty = to_optimum.filter(pl.col("networks") == 0)
    assert empty.height > 0
    assert empty["q50"].is_nan().all()
