"""What a comparison counts: ties for the best, a top 1 % that is larger because of ties, and missing scores."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from lissnas_analyses.comparison.score_counts import ScoreCounts
from lissnas_benchmarks.benchmark import Benchmark, benchmark_of
from lissnas_benchmarks.catalog import find_table_adapter
from lissnas_benchmarks.table import Table


def test_two_cells_of_nas_bench_201_tie_for_the_best_on_cifar10_two_edits_apart(
    nasbench201: Callable[[str], Floats], open_table: Callable[[str], Table]
) -> None:
    cells = benchmark_of(find_table_adapter("analog-nasbench"), open_table("analog-nasbench"))  # the same space
    scores = nasbench201("c10_test200")
    counted = ScoreCounts.of(replace(cells, selection=scores, report=scores))
    assert (counted.tied_optima, counted.optimum_plateaus) == (2, 2)
    assert "2 networks tie for the best score: 2 optima, or 2 plateaus if tied neighbors count as one" in str(counted)


def test_neighbors_that_tie_for_the_best_are_one_plateau(proteins: Benchmark) -> None:
    neighbors, _ = proteins.space.neighbors(proteins.space.rows(np.array([7])))
    scores = np.zeros(proteins.space.size)
    scores[[7, proteins.space.index(neighbors)[0]]] = 1
    counted = ScoreCounts.of(replace(proteins, report=scores))
    assert (counted.tied_optima, counted.optimum_plateaus) == (2, 1)
    assert "2 optima, or 1 plateau if tied neighbors count as one" in str(counted)


def test_ties_and_missing_scores_are_counted(proteins: Benchmark) -> None:
    scores = np.arange(float(proteins.space.size))
    scores[-30:] = 5000
    scores[:21] = np.nan
    counted = ScoreCounts.of(replace(proteins, report=scores))
    assert (counted.tied_optima, counted.top_1, counted.without_report_score) == (30, 30, 21)
    assert 1 <= counted.optimum_plateaus <= 30
    assert str(counted).startswith(
        "counted: the top 1 % are 30 of 2,000 networks, 1.50 %, because 10 more tie with the last; 30 networks tie"
    )
    assert str(counted).endswith(
        "0 networks have no score that selects and 21 none that reports, and are never in the top"
    )


def test_the_top_of_a_small_space_is_one_network(proteins: Benchmark) -> None:
    scores = np.full(proteins.space.size, np.nan)
    scores[:20] = np.arange(20)
    counted = ScoreCounts.of(replace(proteins, report=scores))
    assert str(counted).startswith(
        "counted: the top 1 % are 1 of 20 networks, 5.00 %, because at least one counts; one"
    )


def test_a_table_without_ties_says_so(proteins: Benchmark) -> None:
    counted = ScoreCounts.of(replace(proteins, report=np.arange(float(proteins.space.size))))
    assert str(counted) == (
        "counted: the top 1 % are 20 of 2,021 networks; one network has the best score; every network has both scores"
    )
    assert pl.DataFrame([counted.row])["top_1_share"][0] == 20 / 2021
