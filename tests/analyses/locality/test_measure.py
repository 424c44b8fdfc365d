"""The locality of one benchmark: all pairs of a small space, near pairs only of a large one."""

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
