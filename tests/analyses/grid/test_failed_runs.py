"""Runs that keep the full space: counted in tables, and reported in place of an interval."""

import numpy as np
import polars as pl
import pytest
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas_analyses.ablation.describe import _recall
from lissnas_analyses.ablation.summarize import mean_statistics
from lissnas_analyses.comparison.describe import over_runs
from lissnas_analyses.comparison.summarize import STATISTIC_RANGES, means_of_rounds
from lissnas_analyses.report.first_screen import _cell

RECALLS = [0.1, 0.12, 0.13, 0.2, 0.15, 0.11]


def _runs(failing: int) -> pl.DataFrame:
    """Six runs of one round, the last of which fail; all statistics except recall and size are 1."""
    shrunk = 6 - failing
    columns = dict.fromkeys(STATISTIC_RANGES, [1.0] * 6)
    columns |= {"recall_1": RECALLS[:shrunk] + [1.0] * failing, "size_ratio": [0.1] * shrunk + [1.0] * failing}
    keys = {"method": ["lissnas"] * 6, "run": range(6), "round": [1] * 6, "stopped": [False] * 6}
    return pl.DataFrame(keys | columns)


def _recall_row(failing: int) -> dict[str, float]:
    return means_of_rounds(_runs(failing)).row(by_predicate=pl.col("statistic") == "recall_1", named=True)


def test_runs_that_keep_the_full_space_have_failed() -> None:
    row = _recall_row(2)
    assert (row["runs"], row["failed"]) == (6, 2)
    quartiles = np.quantile([*RECALLS[:4], 1, 1], [0.25, 0.5, 0.75])
    assert (row["q25"], row["median"], row["q75"]) == pytest.approx(tuple(quartiles))


def test_with_failed_runs_the_median_takes_the_place_of_the_interval() -> None:
    assert over_runs(_recall_row(2)) == (
        "0.42, median 0.17 (quartiles 0.12 and 0.80), 2 of 6 runs failed: they kept the full space"
    )


def test_without_failed_runs_the_mean_has_its_interval() -> None:
    expected = mean_over_runs(np.array(RECALLS))
    assert over_runs(_recall_row(0)) == f"{expected.value:.2f} [{expected.low:.2f}, {expected.high:.2f}]"


def test_an_ablation_has_the_intervals_of_the_mean_and_the_failures() -> None:
    rows = _runs(1).select("method", "run", "recall_1", "size_ratio", "mean")
    rows = rows.with_columns(pl.lit(None, pl.Int64).alias("epochs"), pl.lit(1.0).alias("noise_tau"), seed=0)
    means = mean_statistics(rows)
    expected = mean_over_runs(rows["recall_1"].to_numpy())
    recall = means.row(by_predicate=pl.col("statistic") == "recall_1", named=True)
    assert (recall["low"], recall["failed"]) == (pytest.approx(float(expected.low)), 1)
    assert recall["high"] == pytest.approx(min(1, float(expected.high)))
    equal = means.row(by_predicate=pl.col("statistic") == "mean", named=True)
    assert (equal["low"], equal["mean"], equal["high"]) == (1, 1, 1)
    assert _recall(recall, []) == "0.283 (1 of 6 runs failed: they kept the full space)"


def test_the_report_shows_the_median_where_runs_failed() -> None:
    row = {"recall": 0.42, "low": 0.1, "high": 0.9, "median": 0.17, "size": 9.0, "evaluations": 5.0, "runs": 6}
    shown = _cell(pl.DataFrame([row | {"failed": 2, "best": False}]))
    assert "0.42, median 0.17" in shown
    assert "2 of 6" in shown
    assert "[0.10, 0.90]" in _cell(pl.DataFrame([row | {"failed": 0, "best": False}]))
