"""Results of the public API: what they say, and that they are those of the library."""

from pathlib import Path

import lissnas as ln
import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers import shrink as shrinking
from lissnas.statistics.quality import quality
from lissnas.subspaces.subspace import FullSpace
from lissnas_benchmarks.benchmark import Benchmark
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SPACE = ln.CategoricalSpace("five layers", ("abcd",) * 5, "{}{}{}{}{}")


def total(rows: np.ndarray) -> np.ndarray:
    return rows.sum(axis=1).astype(float)


def test_shrinking_a_benchmark_is_the_run_of_the_library(proteins: Benchmark) -> None:
    run = ln.shrink(proteins, ln.OperationPruning(evaluations=200, size=300), seed=3)
    rng = np.random.default_rng(3)
    trace = shrinking.shrink(proteins.space, proteins.evaluator, run.shrinker, rng)
    np.testing.assert_array_equal(run.subspace.index, trace.subspace.index)
    assert run.quality == quality(trace.subspace, proteins.report)


def test_a_name_is_the_method_with_its_defaults(proteins: Benchmark) -> None:
    by_name, by_class = (ln.shrink(proteins, method, seed=1) for method in ("lissnas", ln.Lissnas()))
    np.testing.assert_array_equal(by_name.subspace.index, by_class.subspace.index)


def test_a_result_says_which_scores_select_and_report(proteins: Benchmark) -> None:
    assert "selected by validation accuracy, reported by test accuracy" in str(ln.shrink(proteins, seed=0))


def test_a_benchmark_that_selects_and_reports_by_the_same_column_is_warned_of() -> None:
    with pytest.warns(ln.SameScoresWarning, match="analog-nasbench: the method sees the same test accuracy"):
        ln.shrink("analog-nasbench", ln.RandomSubset(size=100))


def test_the_rows_of_a_run_are_its_rounds(proteins: Benchmark) -> None:
    run = ln.shrink(proteins, ln.KernelShrinkage(evaluations=60, size=100), seed=0)
    rows = run.frame()
    assert rows.height == len(run.trace.rounds)
    assert rows["size"][0] == proteins.space.size
    assert rows["evaluations"][-1] == run.evaluations.count
    assert rows["recall_1"][-1] == run.quality.recall_1


def test_a_space_needs_a_function() -> None:
    with pytest.raises(SettingError, match="five layers has no scores of its own: pass evaluator="):
        ln.shrink(SPACE)


def test_a_misspelled_method_or_benchmark_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lissnas'"):
        ln.shrink(SPACE, "lisnas", evaluator=total)
    with pytest.raises(UnknownNameError, match="did you mean 'nas-bench-graph'"):
        ln.load("nas-bench-grap")


def test_a_search_in_a_shrunk_space_leaves_the_run_of_the_shrinker_as_it_was() -> None:
    run = ln.shrink(SPACE, ln.KernelShrinkage(evaluations=40, size=60), evaluator=total)
    best = ln.search(run, ln.RandomSearch(), evaluations=10)
    assert run.evaluations.count == 40
    assert best.known == 40
    assert best.evaluations.count == 50
    assert run.subspace.contains(best.evaluations.rows[40:]).all()
    assert best.score == best.frame()["best"][-1] == total(best.best)[0]


def test_the_regret_of_a_search_is_measured_on_the_reported_scores(proteins: Benchmark) -> None:
    best = ln.search(proteins, "random", evaluations=50, seed=2)
    place = proteins.space.index(best.best)
    assert best.regret == pytest.approx(np.nanmax(proteins.report) - proteins.report[place][0])


def test_the_ranking_of_a_benchmark_by_its_own_reported_scores_is_perfect(proteins: Benchmark) -> None:
    ranking = ln.rank_agreement(proteins, proteins.report, draws=20)
    assert ranking.frame().row(by_predicate=pl.col("measure") == "tau", named=True)["value"] == 1
    with pytest.raises(SettingError, match="give one score for each"):
        ln.rank_agreement(proteins, proteins.report[1:])


def test_a_file_is_a_benchmark_whose_scores_are_in_the_order_of_the_space(tmp_path: Path) -> None:
    rows = SPACE.sample(SPACE.size, np.random.default_rng(0))
    table = pl.DataFrame({"arch": SPACE.write(rows), "accuracy": 80 + total(rows)})
    table.write_csv(tmp_path / "mine.csv")
    bench = ln.load_file(tmp_path / "mine.csv", SPACE, columns=["accuracy"], string_column="arch")
    np.testing.assert_array_equal(bench.report, 80 + total(SPACE.all_rows()))
    assert ln.search(bench, "local-search", evaluations=300).architecture == "ddddd"


RESULTS = {
    "shrink": lambda bench: ln.shrink(bench, ln.RandomSubset(size=50)),
    "search": lambda bench: ln.search(bench, "random", evaluations=20),
    "measure_locality": ln.measure_locality,
    "compare": lambda bench: ln.compare(bench, ["best-of-sample", "random-subset"], runs=2),
    "rank_agreement": lambda bench: ln.rank_agreement(bench, bench.selection, draws=5),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_prints_draws_saves_and_shows_in_a_notebook(
    name: str, proteins: Benchmark, tmp_path: Path
) -> None:
    result = RESULTS[name](proteins)
    assert isinstance(result, ln.Result)
    assert proteins.name in str(result)
    assert repr(result) == str(result)
    assert isinstance(result.frame(), pl.DataFrame)
    axes = Figure().subplots()
    assert result.plot(axes=axes) is axes
    assert isinstance(result.plot(), Axes)
    assert result.save(tmp_path / "saved").exists()
    page = result._repr_html_()
    assert "<table" in page
    assert "data:image/png;base64," in page


def test_several_benchmarks_are_compared_as_each_alone(proteins: Benchmark) -> None:
    together = ln.compare([proteins, "nas-bench-graph-proteins"], ["random-subset"], runs=2)
    alone = ln.compare(proteins, ["random-subset"], runs=2)
    assert together.frame().height == 2 * alone.frame().height
    assert together.frame().head(alone.frame().height).equals(alone.frame())


def test_a_table_of_ones_own_is_compared_too(tmp_path: Path) -> None:
    table = pl.DataFrame({"arch": SPACE.write(SPACE.all_rows()), "accuracy": 80 + total(SPACE.all_rows())})
    table.write_csv(tmp_path / "mine.csv")
    bench = ln.load_file(tmp_path / "mine.csv", SPACE, columns=["accuracy"], string_column="arch")
    methods = ["best-of-sample", ln.RandomSubset(size=50)]
    in_one_process = ln.compare(bench, methods, runs=2)
    assert "mine" in str(in_one_process)
    assert "random-subset(size=50)" in str(in_one_process)
    assert ln.compare(bench, methods, runs=2, workers=2).frame().equals(in_one_process.frame())


def test_comparing_nothing_is_refused(proteins: Benchmark) -> None:
    with pytest.raises(SettingError, match="nothing to compare"):
        ln.compare([], ["lissnas"])
    with pytest.raises(UnknownNameError, match="did you mean 'kernel'"):
        ln.compare(proteins, ["kernell"])
    with pytest.raises(SettingError, match="not a statistic of a comparison; choose one of"):
        ln.compare(proteins, ["random-subset"], runs=1).plot("recal")


def test_the_full_space_can_be_searched_as_a_subspace() -> None:
    best = ln.search(FullSpace(SPACE), "local-search", evaluations=200, evaluator=total)
    assert best.architecture == "ddddd"


def test_a_result_says_what_the_command_line_prints(in_process: Command, proteins: Benchmark, tmp_path: Path) -> None:
    printed = in_process("shrink", proteins.name, "--method", "random-subset", folder=tmp_path).stdout
    result = ln.shrink(proteins, "random-subset")
    file = f"results/{proteins.name}/shrunk-random-subset.parquet"
    assert printed == f"{result}\n  {file}\n"
