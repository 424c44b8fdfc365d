"""Rank correlation: known values of real supernets, the same networks for all predictors, and noise ceilings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.spaces.published.cell201 import cell201, distinct_cell201
from lissnas.statistics.quality import is_top
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_analyses.comparison.measure import compare
from lissnas_analyses.ranking import measure, predictor_cost
from lissnas_analyses.ranking.describe import ranking_sentences
from lissnas_analyses.ranking.evaluation_sets import FULL, set_of_subspace, standard_sets
from lissnas_analyses.ranking.measure import TauResult, TauSettings
from lissnas_analyses.ranking.predictors import collect_predictors
from lissnas_analyses.ranking.score_sources import column_predictor
from lissnas_analyses.ranking.trainings import trainings_of
from lissnas_benchmarks.benchmark import Benchmark, benchmark_of
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.predictor_file import PredictedScores
from lissnas_benchmarks.table import Table
from scipy import stats

QUICK = TauSettings(draws=20)


def _silent(step: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def cells(shared_data: Path) -> Benchmark:
    """The real 15,625 cells of NAS-Bench-201 on CIFAR-10, validation and test after 200 epochs."""
    path = shared_data / "nasbench201.parquet"
    columns = {
        f"c10_{short}200": Column("accuracy", "cifar10", split, "%", 200)
        for short, split in (("val", "validation"), ("test", "test"))
    }
    benchmark = own_table("real-cells", cell201, path, string_column="arch", columns=columns)
    return benchmark_of(benchmark, Table(import_files(benchmark, (path,)), cell201))


@pytest.fixture(scope="module")
def supernets(cells: Benchmark, shared_data: Path) -> TauResult:
    predictors = collect_predictors(cells, [str(shared_data / "nasbench201_supernet_scores.parquet")], [])
    return measure.measure(cells, predictors, [], QUICK, _silent)


@pytest.fixture(scope="module")
def macro(open_table: Callable[[str], Table]) -> Benchmark:
    return benchmark_of(find_adapter("nas-bench-macro"), open_table("nas-bench-macro"))


def _row(result: TauResult, predictor: str, one: str, measure: str = "tau") -> dict[str, float]:
    named = (pl.col("predictor") == predictor) & (pl.col("set") == one) & (pl.col("measure") == measure)
    return result.means.row(by_predicate=named, named=True)


@pytest.mark.parametrize(
    ("supernet", "whole", "best"), [("oneshot_supernet", 0.485, -0.19), ("fewshot_supernet", 0.551, 0.01)]
)
def test_real_supernets_rank_all_cells_well_and_the_true_top_at_or_below_chance(
    supernets: TauResult, supernet: str, whole: float, best: float
) -> None:
    assert _row(supernets, supernet, FULL)["value"] == pytest.approx(whole, abs=0.001)
    assert _row(supernets, supernet, "true top 20 %")["value"] == pytest.approx(best, abs=0.01)


def test_constant_noise_of_the_same_tau_falls_with_the_range_but_not_below_zero(supernets: TauResult) -> None:
    for _, rows in supernets.narrowing.group_by("predictor"):
        reference = rows.sort("share", descending=True)["reference"].to_numpy()
        assert reference[0] == pytest.approx(rows["value"].to_numpy()[0], abs=0.001)
        assert (np.diff(reference) < 0.02).all()
        assert 0.1 < reference[-1] < reference[0] / 2
    one_shot = _row(supernets, "oneshot_supernet", "true top 20 %")
    assert one_shot["high"] < one_shot["reference"]


def test_the_interval_of_samples_over_seeds_contains_the_tau_of_the_full_space(supernets: TauResult) -> None:
    sampled, whole = (_row(supernets, "fewshot_supernet", one) for one in ("sample of 500", FULL))
    assert sampled["seeds"] == 3
    assert sampled["low"] < whole["value"] < sampled["high"]


def test_every_predictor_is_measured_on_the_networks_with_all_scores(cells: Benchmark, shared_data: Path) -> None:
    files = [
        f"{shared_data / 'nasbench201_supernet_scores.parquet'}:oneshot_supernet",
        f"{shared_data / 'nasbench201_zero_cost.parquet'}:zc_synflow",
    ]
    predictors = collect_predictors(cells, files, [])
    result = measure.measure(cells, predictors, [], replace(QUICK, draws=0), _silent)
    there = ~np.isnan(predictors[1].scores)
    assert result.networks == np.count_nonzero(there) == 9_445
    for predictor in predictors:
        row = _row(result, predictor.name, FULL)
        assert row["networks"] == 9_445
        assert row["value"] == pytest.approx(stats.kendalltau(cells.report[there], predictor.scores[there]).statistic)
    assert result.predictors["missing"].to_list() == [0, 15_625 - 9_445]
    assert result.agreement.filter(pl.col("set") == "true top 20 %")["networks"].unique().to_list() == [
        np.count_nonzero(is_top(cells.report[there], 0.2))
    ]


def test_a_minus_reverses_the_ranking(proteins: Benchmark) -> None:
    up, down = (column_predictor(proteins, text) for text in ("accuracy/validation", "-accuracy/validation"))
    result = measure.measure(proteins, [up, down], [], replace(QUICK, sample=200), _silent)
    ranks, turned = (_row(result, one.name, FULL, "rho")["value"] for one in (up, down))
    assert ranks > 0.4
    assert turned == pytest.approx(-ranks)


def test_a_shrunk_space_is_a_set_of_its_networks(proteins: Benchmark) -> None:
    index = np.arange(0, proteins.space.size, 10)
    shrunk = set_of_subspace(ExplicitSubspace(proteins.space, index), "every tenth")
    [predictor] = collect_predictors(proteins, [], [])
    result = measure.measure(proteins, [predictor], [shrunk], QUICK, _silent)
    expected = stats.kendalltau(proteins.report[index], proteins.selection[index], nan_policy="omit").statistic
    assert _row(result, predictor.name, "shrunk to every tenth")["value"] == pytest.approx(expected)


def test_the_same_seed_gives_the_same_samples_and_another_does_not() -> None:
    there = np.ones(1000, dtype=bool)
    first, again, other = (
        [one.choose(np.arange(1000.0)) for one in standard_sets(there, 100, 3, (), seed)][1:] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != np.array(other)).any()
    assert {int(chosen.sum()) for chosen in first} == {100}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TauSettings(tops=(1.5,)), "a share between 0 and 1, not 1.5"),
        (TauSettings(tops=(0.001,)), "fewer than 20"),
        (TauSettings(sample=5000), "a sample of 5,000"),
        (TauSettings(share=0.00001), "choose a larger share"),
    ],
)
def test_impossible_sets_are_refused(proteins: Benchmark, settings: TauSettings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        measure.measure(proteins, collect_predictors(proteins, [], []), [], replace(settings, draws=0), _silent)


def test_the_same_seed_gives_the_same_numbers(proteins: Benchmark) -> None:
    first, again = (
        measure.measure(proteins, collect_predictors(proteins, [], []), [], QUICK, _silent) for _ in range(2)
    )
    for name in ("agreement", "means", "sets", "narrowing", "ceiling"):
        assert getattr(first, name).equals(getattr(again, name))


def test_too_few_common_networks_are_refused(proteins: Benchmark) -> None:
    scores = np.full(proteins.space.size, np.nan)
    scores[:19] = np.arange(19)
    with pytest.raises(SettingError, match="only 19 networks"):
        measure.measure(proteins, [PredictedScores("few", "nowhere", scores)], [], QUICK, _silent)


def test_any_parts_of_its_name_select_a_column(macro: Benchmark) -> None:
    first = column_predictor(macro, "accuracy/test/0")
    np.testing.assert_array_equal(first.scores, macro.selection)
    every = column_predictor(macro, "accuracy")
    runs = macro.table.read([column.name for column in macro.table.columns if column.metric == "accuracy"])
    np.testing.assert_allclose(every.scores, runs.mean(axis=1))
    with pytest.raises(UnknownNameError, match="accuracy/cifar10/test/0"):
        column_predictor(macro, "accuracy/test/7")
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        column_predictor(macro, "acuracy/test")


def test_an_ambiguous_column_is_refused(proteins: Benchmark) -> None:
    with pytest.raises(SettingError, match="name one of them"):
        column_predictor(proteins, "accuracy")


def test_the_default_predictor_is_the_selecting_measure(macro: Benchmark) -> None:
    [only] = collect_predictors(macro, [], [])
    assert only.name == "test accuracy, seed 0"
    with pytest.raises(SettingError, match="name a predictor"):
        collect_predictors(replace(macro, selects=macro.reports, selection=macro.report), [], [])


def test_predictors_of_one_name_get_the_name_of_their_file(proteins: Benchmark, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        pl.DataFrame({"lissnas-index": [0, 1], "score": [1.0, 2.0]}).write_csv(tmp_path / name)
    found = collect_predictors(proteins, [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], [])
    assert [predictor.name for predictor in found] == ["score of a.csv", "score of b.csv"]


def test_a_training_of_nas_bench_macro_reaches_its_noise_ceiling(macro: Benchmark) -> None:
    result = measure.measure(macro, collect_predictors(macro, [], []), [], QUICK, _silent)
    whole = result.sets.row(0, named=True)
    assert result.trainings == "trainings with different seeds"
    # The first training is held against the mean of two, so that it does a little better than one against another.
    assert whole["retrained"] < _row(result, "test accuracy, seed 0", FULL)["value"] < whole["perfect"]
    assert (np.diff(result.ceiling["perfect"].to_numpy()) < 0.02).all()


def test_the_second_training_of_a_cell_is_another_cell_of_the_same_function(cells: Benchmark) -> None:
    found = trainings_of(cells, np.random.default_rng(0))
    assert found is not None
    own, twin = found.runs.T
    functions = distinct_cell201().index(cells.space.all_rows())
    sizes = np.bincount(functions)[functions]
    np.testing.assert_array_equal(np.isnan(twin), sizes == 1)
    for function in np.unique(functions[sizes > 1])[::100]:
        members = functions == function
        np.testing.assert_array_equal(np.sort(own[members]), np.sort(twin[members]))


def test_a_table_without_repeated_trainings_has_no_ceiling(proteins: Benchmark) -> None:
    result = measure.measure(proteins, collect_predictors(proteins, [], []), [], QUICK, _silent)
    assert result.trainings is None
    assert result.sets["retrained"].null_count() == result.sets.height
    assert "not known" in ranking_sentences(result)[-1]


def test_lissnas_selected_by_the_real_one_shot_supernet_keeps_fewer_top_networks_than_chance(
    cells: Benchmark, shared_data: Path
) -> None:
    [oneshot] = collect_predictors(
        cells, [f"{shared_data / 'nasbench201_supernet_scores.parquet'}:oneshot_supernet"], []
    )
    by_predictor, by_benchmark = (
        compare(opened, ("lissnas", "random-subset"), 8) for opened in (cells.selected_by(oneshot), cells)
    )
    means = {
        (row["method"], row["selected_by"], row["statistic"]): row
        for row in predictor_cost.compare_selections(by_predictor, by_benchmark).means.iter_rows(named=True)
    }
    lift = means["lissnas", "predictor", "lift_1"]
    assert lift["high"] < 1
    assert means["lissnas", "benchmark", "lift_1"]["low"] > 10
    chance = means["random-subset", "predictor", "lift_1"]
    assert chance["low"] < 1.2
    assert chance["high"] > 1
