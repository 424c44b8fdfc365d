"""The locality of one benchmark: all pairs of a small space, the near ones of a large one."""

import polars as pl
import pytest
from lissnas_analyses.locality import measure
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure


def _caption(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def test_a_space_too_large_for_all_pairs_is_measured_up_to_two_edits(
    proteins: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = measure.measure(proteins)
    assert "over all pairs of" in _caption(measure.draw_locality(everything, proteins))
    monkeypatch.setattr(measure, "_ALL_PAIRS", proteins.space.size - 1)
    near = measure.measure(proteins)
    assert near.by_distance.equals(everything.by_distance.filter(pl.col("distance") <= 2))
    assert near.summary.equals(everything.summary)
    assert "over all pairs up to 2 edits apart of" in _caption(measure.draw_locality(near, proteins))
