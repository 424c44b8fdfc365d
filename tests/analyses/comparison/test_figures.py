"""The figures of a comparison: their titles are true, and they draw every method where its numbers are."""

import numpy as np
import polars as pl
import pytest
from lissnas.spaces.space import INDEX_COLUMN
from lissnas.subspaces.pockets import components
from lissnas_analyses import style
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.draw import draw_distributions, draw_rounds
from lissnas_analyses.comparison.draw_map import draw_map
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.message import best_methods, paired_message, recall_message
from lissnas_analyses.comparison.pocket_map import MapResult, lay_out
from lissnas_analyses.diagrams.diagram import gene_names
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.figure import Figure


@pytest.fixture(scope="module")
def compared(proteins: Benchmark) -> ComparisonResult:
    return measure.compare(proteins, ("lissnas", "operation-pruning", "random-subset"), runs=3, seed=7)


@pytest.fixture(scope="module")
def pocket_map(proteins: Benchmark, compared: ComparisonResult) -> MapResult:
    kept = {method: compared.first_run[method][-1] for method in ("lissnas", "operation-pruning")}
    return lay_out(proteins, kept, np.random.default_rng(0))


def test_the_title_names_the_method_with_the_highest_recall(compared: ComparisonResult) -> None:
    leader, other = best_methods(compared)
    recall = compared.final(leader, "recall_1")[0]
    assert recall >= compared.final(other, "recall_1")[0]
    assert f"{leader} keeps {100 * recall:.0f} % of the top 1 %" in recall_message(compared)


def test_the_title_of_the_differences_calls_only_what_the_interval_shows_more_or_less(
    compared: ComparisonResult,
) -> None:
    row = compared.paired.row(
        by_predicate=(pl.col("statistic") == "recall_1") & (pl.col("method") == "random-subset"), named=True
    )
    words = "keeps less" if row["high"] < 0 else "does not differ"
    assert words in paired_message(compared)


def test_each_method_is_drawn_at_its_evaluations(compared: ComparisonResult) -> None:
    figure = draw_rounds(compared)
    assert len(figure.axes) == 6
    for method in ("lissnas", "operation-pruning"):
        line = next(line for line in figure.axes[0].lines if line.get_label() == method)
        assert np.asarray(line.get_xdata())[-1] == pytest.approx(compared.final(method, "evaluations")[0])
        assert np.asarray(line.get_ydata())[-1] == pytest.approx(compared.final(method, "recall_1")[0])


def test_distributions_show_the_random_subset_in_every_panel(compared: ComparisonResult) -> None:
    for axes in draw_distributions(compared).axes[:2]:
        assert "random subset" in {str(line.get_label()) for line in axes.lines}


def test_links_of_the_map_are_single_edits_that_join_each_pocket(pocket_map: MapResult, proteins: Benchmark) -> None:
    index = pocket_map.architectures[INDEX_COLUMN].to_numpy()
    for method, (size, count) in pocket_map.sizes.items():
        source, target = pocket_map.links[method].T
        rows = proteins.space.rows(index)
        assert set(np.diagonal(proteins.space.distances(rows[source], rows[target])).tolist()) == {1}
        assert len(source) == size - count
        pocket = pocket_map.architectures[f"pocket of {method}"]
        joined = components(len(index), source, target)[pocket.is_not_null().to_numpy()]
        assert len(set(joined.tolist())) == count


def test_the_map_has_the_top_1_percent(pocket_map: MapResult, proteins: Benchmark) -> None:
    best = np.argsort(-proteins.report)[:10]
    assert np.isin(best, pocket_map.architectures[INDEX_COLUMN].to_numpy()).all()
    assert "% (lissnas)" in draw_map(pocket_map).get_suptitle()


def test_every_gene_has_a_name(proteins: Benchmark) -> None:
    assert len(set(gene_names(proteins.space))) == proteins.space.genes


def test_labels_beside_a_panel_do_not_overlap() -> None:
    axes = Figure().subplots()
    axes.set_ylim(0, 1)
    style.label_ends(axes, [(0.99, "a", "black"), (1.0, "b", "black"), (0.98, "c", "black")])
    places = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert places["c"] < places["a"] < places["b"] <= 1
