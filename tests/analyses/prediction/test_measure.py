"""Predictors that learn from random networks: known measures, failures, resuming, published figures."""

from dataclasses import replace
from pathlib import Path

import lissnas as ln
import numpy as np
import polars as pl
import pytest
from lissnas.errors import SettingError, UnknownNameError
from lissnas.predictors.predictor import Prediction, Predictor
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas_analyses.prediction.describe import predictor_sentences
from lissnas_analyses.prediction.draw import draw_predictors
from lissnas_analyses.prediction.measure import (
    MEASURES,
    Fit,
    PredictorsResult,
    best_true_rank,
    measure_predictors,
    named_fits,
)
from lissnas_analyses.prediction.published import published_taus
from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import find_adapter
from scipy.stats import kendalltau, weightedtau


def nearest(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    return lambda others: scores[space.distances(others, rows).argmin(axis=1)]


def fails(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    raise ZeroDivisionError("no model here")


def fails_on_more_than_40(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    return nearest(space, rows, scores, rng) if len(rows) <= 40 else fails(space, rows, scores, rng)


def predicts_nan(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    return lambda others: np.where(np.arange(len(others)) < 3, np.nan, 1.0)


def predicts_three(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    return lambda others: np.zeros(3)


def predicts_the_same(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
    return lambda others: np.ones(len(others))


def _knows(benchmark: Benchmark) -> Fit:
    def knows(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        return lambda others: benchmark.report[space.index(others)]

    return knows


def _measured(
    benchmark: Benchmark, *predictors: str | Predictor | Fit, train: tuple[int, ...] = (40,)
) -> PredictorsResult:
    return measure_predictors(benchmark, named_fits(predictors), train, runs=3, share=0.1)


def _values(result: PredictorsResult, predictor: str, measure: str) -> Floats:
    values: Floats = result.runs.filter(predictor=predictor)[measure].to_numpy()
    return values


def test_a_predictor_that_knows_the_truth_is_perfect(proteins: Benchmark) -> None:
    result = _measured(proteins, _knows(proteins))
    for measure, best in {"tau": 1, "weighted_tau": 1, "precision": 1, "best_rank": 1}.items():
        np.testing.assert_allclose(_values(result, "knows", measure), best)


def test_the_measures_are_those_of_scipy_on_the_networks_that_did_not_train(proteins: Benchmark) -> None:
    seen: list[tuple[Rows, Rows, Floats]] = []

    def recorded(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        predict = nearest(space, rows, scores, rng)

        def record(others: Rows) -> Floats:
            seen.append((rows, others, predict(others)))
            return seen[-1][2]

        return record

    result = _measured(proteins, recorded)
    space = proteins.space
    for run, (rows, others, predicted) in enumerate(seen):
        together = np.concatenate([space.index(rows), space.index(others)])
        np.testing.assert_array_equal(np.sort(together), np.arange(space.size))
        truth = proteins.report[space.index(others)]
        assert _values(result, "recorded", "tau")[run] == pytest.approx(kendalltau(truth, predicted).statistic)
        assert _values(result, "recorded", "weighted_tau")[run] == pytest.approx(
            weightedtau(truth, predicted).statistic
        )


def test_predictors_learn_from_the_scores_that_select(proteins: Benchmark) -> None:
    reversed_scores = replace(proteins, selection=-proteins.selection)
    with_reversed = _measured(reversed_scores, nearest)
    np.testing.assert_allclose(
        _values(with_reversed, "nearest", "tau"), -_values(_measured(proteins, nearest), "nearest", "tau")
    )


def test_a_run_depends_neither_on_the_other_predictors_nor_on_the_other_sizes(proteins: Benchmark) -> None:
    few = ln.ExtraTrees(trees=5)
    alone = _measured(proteins, few, train=(50,)).runs
    together = _measured(proteins, nearest, few, train=(40, 50)).runs
    assert alone.equals(together.filter(predictor="ExtraTrees", train=50))


def test_means_are_over_runs_and_differences_are_paired(proteins: Benchmark) -> None:
    result = _measured(proteins, ln.ExtraTrees(trees=5), nearest)
    row = result.means.row(by_predicate=(pl.col("predictor") == "nearest") & (pl.col("measure") == "tau"), named=True)
    own, first = (_values(result, name, "tau") for name in ("nearest", "ExtraTrees"))
    assert row["value"] == pytest.approx(own.mean())
    assert row["low"] == pytest.approx(float(mean_over_runs(own).low))
    assert row["difference"] == pytest.approx((own - first).mean())
    assert result.means.filter(predictor="ExtraTrees")["difference"].null_count() == len(MEASURES)


def test_the_best_true_rank_is_that_of_the_best_of_the_predicted_ten() -> None:
    truth = np.arange(100.0)
    rng = np.random.default_rng(0)
    assert best_true_rank(truth, truth, rng) == 1
    assert best_true_rank(truth, -truth, rng) == 91
    assert best_true_rank(np.ones(100), truth, rng) == 1
    drawn = [best_true_rank(truth, np.ones(100), rng) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(101 / 11, rel=0.1)  # the minimum of 10 of 100 drawn at random


@pytest.mark.parametrize(
    ("predictor", "reason"),
    [
        (fails, "run 0: ZeroDivisionError: no model here"),
        (predicts_nan, "NaN or infinity for 3 of 1,981 networks"),
        (predicts_three, r"shape \(3,\) for 1,981 networks"),
        (predicts_the_same, "predicted scores are equal"),
    ],
)
def test_a_predictor_that_fails_is_left_out_with_its_reason_and_the_others_continue(
    predictor: Fit, reason: str, proteins: Benchmark
) -> None:
    result = _measured(proteins, predictor, nearest)
    assert result.runs["predictor"].unique().to_list() == ["nearest"]
    assert result.means["difference"].null_count() == result.means.height
    [left_out] = [sentence for sentence in predictor_sentences(result) if "left out at 40 networks" in sentence]
    with pytest.raises(SettingError, match=reason):
        raise SettingError(left_out)
    with pytest.raises(SettingError, match=reason):
        _measured(proteins, predictor)


def test_a_predictor_is_left_out_only_at_the_sizes_where_it_fails(proteins: Benchmark) -> None:
    result = _measured(proteins, fails_on_more_than_40, nearest, train=(30, 50))
    measured = result.runs.select("predictor", "train").unique(maintain_order=True).rows()
    assert measured == [("fails_on_more_than_40", 30), ("nearest", 30), ("nearest", 50)]
    assert result.left_out["train"].to_list() == [50]
    draw_predictors(result)


def test_constant_scores_leave_out_the_models_that_need_different_ones(proteins: Benchmark) -> None:
    constant = replace(proteins, selection=np.ones(proteins.space.size))
    with pytest.raises(SettingError, match=r"gp, run 0: .*1 different scores in 40"):
        _measured(constant, "gp")


def test_networks_without_a_score_neither_train_nor_judge(proteins: Benchmark) -> None:
    selection = proteins.selection.copy()
    selection[:1900] = np.nan
    result = _measured(replace(proteins, selection=selection), nearest)
    assert result.networks == proteins.space.size - 1900
    with pytest.raises(SettingError, match=r"cannot train on 110 of the 121 networks .* train on 1 to 101"):
        _measured(replace(proteins, selection=selection), nearest, train=(110,))


def test_stored_runs_are_not_computed_again_and_failed_ones_are(proteins: Benchmark, tmp_path: Path) -> None:
    calls: list[int] = []
    broken = True

    def counted(space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        calls.append(len(rows))
        return fails(space, rows, scores, rng) if broken and len(calls) == 2 else nearest(space, rows, scores, rng)

    def measured(runs: int) -> PredictorsResult:
        return measure_predictors(proteins, {"counted": counted}, (40,), runs, path=tmp_path / "rows.parquet")

    with pytest.raises(SettingError, match="run 1 failed once and not when it was repeated"):
        measured(2)
    broken = False
    np.testing.assert_array_equal(measured(2).runs["tau"], _measured(proteins, nearest).runs["tau"].head(2))
    calls.clear()
    measured(3)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("predictors", "error", "message"),
    [
        (["extra-tree"], UnknownNameError, "extra-trees"),
        ([nearest, nearest], SettingError, "two predictors are called 'nearest'"),
        ([3], SettingError, "3 is not a predictor"),
        ([ln.ExtraTrees], SettingError, "is not a predictor"),
    ],
)
def test_what_is_not_a_predictor_is_refused(predictors: list[str | Fit], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        named_fits(predictors)


def test_the_public_function_takes_names_predictors_and_functions() -> None:
    measured = ln.measure_predictors(
        "nas-bench-graph-proteins", ["boosted-trees", ln.ExtraTrees(trees=20), nearest], train=(40,), runs=2
    )
    assert measured.frame()["predictor"].unique(maintain_order=True).to_list() == [
        "boosted-trees",
        "ExtraTrees",
        "nearest",
    ]
    assert "40 networks, nearest: tau" in str(measured)
    assert len(measured.plot("precision").containers) == 3


def test_published_figures_are_shown_only_for_the_same_networks_and_sizes(proteins: Benchmark) -> None:
    adapter = find_adapter("nas-bench-201")
    assert isinstance(adapter, TableAdapter)
    official = replace(proteins, adapter=adapter, dataset="cifar10", selects=adapter.selects, reports=adapter.reports)
    assert {figure.train for figure in published_taus(official, (78, 100, 156))} == {78, 156}
    assert published_taus(proteins, (78,)) == ()
    assert published_taus(replace(official, dataset="cifar100"), (78,)) == ()
    assert published_taus(replace(official, reports=replace(official.reports, metric="loss")), (78,)) == ()
    result = replace(_measured(proteins, nearest, train=(78,)), published=published_taus(official, (78,)))
    assert "78 networks, published tau: arch2vec 0.542, TNASP 0.539, PINAT 0.549" in "".join(
        predictor_sentences(result)
    )
    draw_predictors(result)
