"""The study of supernets: trained and scored in files, and compared with cells trained alone."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from lissnas.errors import LissnasError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.scoring import grouped_cell_evaluator
from lissnas.supernet.scoring.grouped_cell_evaluator import GroupedCellEvaluator
from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import FULL
from lissnas_analyses.ranking.trainings import Trainings
from lissnas_analyses.supernet import measure
from lissnas_analyses.supernet.describe import study_sentences
from lissnas_analyses.supernet.draw import draw_scores, draw_shrinking, draw_taus
from lissnas_analyses.supernet.measure import (
    FINE_TUNED,
    RECALIBRATED,
    SAMPLE,
    SHRUNK_BY_SUPERNET,
    TOP,
    WITHOUT_RECALIBRATION,
    SupernetStudyResult,
)
from lissnas_analyses.supernet.scores import (
    ScoreStore,
    SupernetScores,
    SupernetStudySettings,
    shrunk_by_lissnas,
    train_and_score,
)
from lissnas_benchmarks.adapters.cells201.trained_cells import DIGITS
from lissnas_benchmarks.benchmark import Benchmark
from results_page import DOCUMENTED, check_table

SPACE = cell201()
SETTINGS = SupernetStudySettings(seeds=(0,), steps=12, fine_tuning_steps=8, marks=(0.25, 0.5), sample=12)

Study = tuple[Benchmark, list[SupernetScores], SupernetStudyResult]


def silent(step: str, share: float) -> None:
    pass


class CheapEvaluator(GroupedCellEvaluator):
    """Scores small sets of cells as usual, and larger ones by the weights of the classifier alone, which is fast."""

    def __call__(self, rows):
        if len(rows) <= SETTINGS.sample:
            return super().__call__(rows)
        weights = self._network.classifier.weight.detach().double().numpy()
        return np.cos(rows.astype(float) @ weights[:6, :3]).sum(1)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, SupernetScores]]:
    """The folder and the scores of a supernet; its cheap evaluator stays in place for the tests that use it."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouped_cell_evaluator, "GroupedCellEvaluator", CheapEvaluator)
        yield folder, train_and_score(folder, 0, SETTINGS, silent)


def _assert_same(one: SupernetScores, other: SupernetScores) -> None:
    first, second = (vars(each) | {"sample_by_step": 0} | each.sample_by_step for each in (one, other))
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.parametrize("stopped_at", [5, 17, 43])
def test_a_stopped_study_resumes_to_the_same_scores(tmp_path, uninterrupted, stopped_at):
    calls = 0

    def stop(step: str, share: float) -> None:
        nonlocal calls
        calls += 1
        if calls == stopped_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_and_score(tmp_path, 0, SETTINGS, stop)
    _assert_same(train_and_score(tmp_path, 0, SETTINGS, silent), uninterrupted[1])


def test_the_sample_is_scored_at_each_mark_and_the_sets_that_the_study_needs_completely(uninterrupted):
    folder, scores = uninterrupted
    assert sorted(scores.sample_by_step) == [3, 6, 12]
    assert all(np.count_nonzero(~np.isnan(each)) == SETTINGS.sample for each in scores.sample_by_step.values())
    assert not np.isnan(scores.fine_tuned).any()
    assert not np.isnan(scores.continued[scores.shrunk_index]).any()
    for path in (folder / "scores").glob("*.parquet"):
        check_table("scores/seed-SEED-STATE-step-STEP-KIND", pl.Schema(pl.read_parquet_schema(path)))


def test_scores_of_other_settings_are_refused_but_more_seeds_are_not(tmp_path):
    ScoreStore(tmp_path, SETTINGS)
    ScoreStore(tmp_path, replace(SETTINGS, seeds=(1, 2)))
    with pytest.raises(LissnasError, match=r"settings\.steps is 12; in this run it is 13"):
        ScoreStore(tmp_path, replace(SETTINGS, steps=13))


def test_without_recalibration_a_trained_supernet_scores_its_paths_far_too_low(tmp_path):
    from lissnas.supernet.images.image_source import small_source
    from lissnas.supernet.images.small_tasks import digits
    from lissnas.supernet.networks.cell_network import Skeleton
    from lissnas.supernet.networks.cell_supernet import CellSupernet
    from lissnas.supernet.training.path_samplers import UniformPathSampler
    from lissnas.supernet.training.training_loop import train_supernet
    from lissnas.supernet.training.training_recipe import TrainingRecipe

    source = small_source(digits())
    network = CellSupernet(Skeleton(), np.random.default_rng(0))
    recipe = TrainingRecipe(steps=200, batch_size=64, micro_batch_size=64, learning_rate=0.1, schedule="cosine")
    train_supernet(
        network,
        source.train,
        UniformPathSampler(SPACE),
        recipe,
        np.random.default_rng(0),
        tmp_path,
        report=lambda progress: None,
    )
    rows = SPACE.sample(60, np.random.default_rng(1))
    recalibrated, without = (
        GroupedCellEvaluator(network, batches, source.held_out(100))(rows).mean()
        for batches in (source.recalibration(1, 250), ())
    )
    assert recalibrated > without + 10


@pytest.fixture(scope="module")
def study() -> Study:
    """A study of three made-up supernets, which know a made-up truth to different degrees."""
    rng = np.random.default_rng(0)
    quality = SPACE.all_rows().astype(float) @ rng.normal(size=6) + rng.normal(size=SPACE.size)

    def noisy(noise: float) -> np.ndarray:
        return quality + noise * rng.normal(size=SPACE.size)

    def only(scores: np.ndarray, index: np.ndarray) -> np.ndarray:
        selected = np.full_like(scores, np.nan)
        selected[index] = scores[index]
        return selected

    truth = noisy(0.3)
    trainings = Trainings(np.stack([truth, noisy(0.3)], axis=1), np.ones(SPACE.size), "made up")
    benchmark = Benchmark(
        DIGITS, SimpleNamespace(space=SPACE), "digits", DIGITS.selects, DIGITS.reports, noisy(0.3), truth, "%"
    )
    settings = SupernetStudySettings(sample=400)
    supernets = []
    for seed in settings.seeds:
        recalibrated = noisy(2)
        shrunk = shrunk_by_lissnas(recalibrated, seed).index
        sample_and_shrunk = np.union1d(shrunk, settings.sample_index)
        fine_tuned = recalibrated.copy()
        fine_tuned[shrunk] = noisy(0.5)[shrunk]
        supernets.append(
            SupernetScores(
                seed,
                recalibrated,
                only(noisy(30), sample_and_shrunk),
                fine_tuned,
                only(recalibrated, sample_and_shrunk),
                noisy(3),
                {10: only(noisy(9), settings.sample_index), 20: only(recalibrated, settings.sample_index)},
                shrunk,
            )
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "trainings_of", lambda benchmark, rng: trainings)
        patch.setattr(measure, "KernelShrinkage", partial(KernelShrinkage, evaluations=30))
        patch.setattr(measure, "_BOOTSTRAP_DRAWS", 20)
        return benchmark, supernets, measure.measure(benchmark, supernets, settings, 1, silent)


def test_tables_have_the_documented_columns(study):
    tables = {f"supernet_{field.name}": getattr(study[2], field.name) for field in fields(study[2])}
    assert set(tables) == {name for name in DOCUMENTED if name.startswith("supernet_")}
    for name, frame in tables.items():
        check_table(name, frame.schema)


def _difference(result, name, predictor, baseline):
    is_row = (pl.col("set") == name) & (pl.col("predictor") == predictor) & (pl.col("baseline") == baseline)
    return result.comparisons.row(by_predicate=is_row, named=True)


def test_what_a_supernet_knows_shows_on_each_set(study):
    result = study[2]
    assert _difference(result, SAMPLE, RECALIBRATED, WITHOUT_RECALIBRATION)["low"] > 0.2
    assert _difference(result, SHRUNK_BY_SUPERNET, FINE_TUNED, RECALIBRATED)["low"] > 0.1
    means = {(row["predictor"], row["set"]): row for row in result.means.iter_rows(named=True)}
    whole, best = means[RECALIBRATED, FULL], means[RECALIBRATED, TOP]
    assert best["value"] < whole["value"] - 0.1
    assert abs(best["value"] - best["reference"]) < 0.1
    assert (WITHOUT_RECALIBRATION, FULL) not in means
    ceilings = dict(zip(result.ceilings["set"], result.ceilings["retrained_seeds"], strict=True))
    assert ceilings[FULL] > whole["high"]
    curve = result.training_curve["value"].to_numpy()
    assert curve[::2].max() < curve[1::2].min()


def test_shrinking_by_a_better_ranking_keeps_more(study):
    means = study[2].shrinking_means
    recall = {
        (row["method"], row["selected_by"]): row["value"]
        for row in means.filter(means["statistic"] == "recall_1").iter_rows(named=True)
    }
    assert recall["lissnas", "table"] > recall["lissnas", "supernet"]
    assert recall["lissnas", "supernet"] > 0.1


def test_every_set_and_method_is_described_and_drawn(study):
    benchmark, supernets, result = study
    assert len(study_sentences(result)) == len(measure.SETS) + result.comparisons.height + 7
    with style.house_style():
        for figure in (
            draw_taus(result, benchmark),
            draw_scores(supernets[0], benchmark),
            draw_shrinking(result, benchmark),
        ):
            figure.draw_without_rendering()
