"""The study of supernets: trained and scored in files, and held against cells trained alone."""

from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch")

from lissnas.errors import LissnasError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.scoring import grouped_cell_evaluator
from lissnas_analyses import style
from lissnas_analyses.ranking.evaluation_sets import WHOLE
from lissnas_analyses.ranking.trainings import Trainings
from lissnas_analyses.supernet import measure
from lissnas_analyses.supernet.draw import draw_scores, draw_shrinking, draw_taus, sentences
from lissnas_analyses.supernet.measure import AS_TRAINED, FINE_TUNED, OWN, RECALIBRATED, SAMPLE, TOP, judge
from lissnas_analyses.supernet.scores import (
    ScoreStore,
    SupernetScores,
    SupernetStudySettings,
    shrunk_by_lissnas,
    train_and_score,
)
from lissnas_benchmarks.adapters.trained_cells import DIGITS
from lissnas_benchmarks.benchmark import Benchmark
from results_page import DOCUMENTED, check_table

SPACE = cell201()
SETTINGS = SupernetStudySettings(seeds=(0,), steps=40, fine_tuning_steps=20, marks=(0.25, 0.5), sample=40)


def silent(what: str, share: float) -> None:
    pass


class FewImages(grouped_cell_evaluator.GroupedCellEvaluator):
    """Scores all cells but a few by nothing but the weights of the classifier, which costs no time."""

    def __call__(self, rows):
        if len(rows) <= SETTINGS.sample:
            return super().__call__(rows)
        weights = self._network.classifier.weight.detach().double().numpy()
        return np.cos(rows.astype(float) @ weights[:6, :3]).sum(1)


@pytest.fixture
def cheap_scores(monkeypatch):
    monkeypatch.setattr(grouped_cell_evaluator, "GroupedCellEvaluator", FewImages)


def _same(one: SupernetScores, other: SupernetScores) -> bool:
    names = ("recalibrated", "as_trained", "fine_tuned", "went_on", "angle", "shrunk")
    return one.along.keys() == other.along.keys() and all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in [
            *((getattr(one, name), getattr(other, name)) for name in names),
            *((one.along[step], other.along[step]) for step in one.along),
        ]
    )


@pytest.mark.parametrize("stopped_at", [12, 45, 75])
def test_a_study_that_was_stopped_goes_on_to_the_same_scores(tmp_path, cheap_scores, stopped_at):
    calls = 0

    def stop(what: str, share: float) -> None:
        nonlocal calls
        calls += 1
        if calls == stopped_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_and_score(tmp_path / "stopped", 0, SETTINGS, stop)
    resumed = train_and_score(tmp_path / "stopped", 0, SETTINGS, silent)
    whole = train_and_score(tmp_path / "whole", 0, SETTINGS, silent)
    assert _same(resumed, whole)
    assert sorted(whole.along) == [10, 20, 40]
    assert all(np.count_nonzero(~np.isnan(scores)) == SETTINGS.sample for scores in whole.along.values())
    assert not np.isnan(whole.fine_tuned).any()
    assert not np.isnan(whole.went_on[whole.shrunk]).any()
    for path in (tmp_path / "whole/scores").glob("*.parquet"):
        check_table("scores/seed-SEED-STATE-step-STEP-KIND", pl.Schema(pl.read_parquet_schema(path)))


def test_scores_of_other_settings_are_refused_and_more_seeds_are_not(tmp_path):
    ScoreStore(tmp_path, SETTINGS)
    ScoreStore(tmp_path, replace(SETTINGS, seeds=(1, 2)))
    with pytest.raises(LissnasError, match=r"settings\.steps is 40; in this run it is 41"):
        ScoreStore(tmp_path, replace(SETTINGS, steps=41))


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
    recipe = TrainingRecipe(steps=300, batch_size=64, micro_batch_size=64, learning_rate=0.1, schedule="cosine")
    train_supernet(
        network,
        source.train,
        UniformPathSampler(SPACE),
        recipe,
        np.random.default_rng(0),
        tmp_path,
        report=lambda done: None,
    )
    rows = SPACE.sample(60, np.random.default_rng(1))
    own, left = (
        grouped_cell_evaluator.GroupedCellEvaluator(network, batches, source.held_out(100))(rows).mean()
        for batches in (source.recalibration(1, 250), ())
    )
    assert own > left + 10


@pytest.fixture
def judged(monkeypatch):
    """A made-up truth, of which three made-up supernets know as much as they are told to."""
    rng = np.random.default_rng(0)
    quality = SPACE.all_rows().astype(float) @ rng.normal(size=6) + rng.normal(size=SPACE.size)

    def seen(noise: float) -> np.ndarray:
        return quality + noise * rng.normal(size=SPACE.size)

    def only(scores: np.ndarray, index: np.ndarray) -> np.ndarray:
        left = np.full_like(scores, np.nan)
        left[index] = scores[index]
        return left

    truth = seen(0.3)
    trainings = Trainings(np.stack([truth, seen(0.3)], axis=1), np.ones(SPACE.size), "made up")
    monkeypatch.setattr(measure, "trainings_of", lambda benchmark, rng: trainings)
    monkeypatch.setattr(measure, "KernelShrinkage", partial(KernelShrinkage, evaluations=30))
    benchmark = Benchmark(
        DIGITS,
        SimpleNamespace(space=SPACE),
        "digits",
        DIGITS.selects,
        DIGITS.reports,
        seen(0.3),
        truth,
        "%",
    )
    settings = SupernetStudySettings(sample=400)
    scored = []
    for seed in settings.seeds:
        recalibrated = seen(2)
        shrunk = shrunk_by_lissnas(recalibrated, seed).index
        few = np.union1d(shrunk, settings.sampled)
        fine_tuned = recalibrated.copy()
        fine_tuned[shrunk] = seen(0.5)[shrunk]
        scored.append(
            SupernetScores(
                seed,
                recalibrated,
                only(seen(30), few),
                fine_tuned,
                only(recalibrated, few),
                seen(3),
                {10: only(seen(9), settings.sampled), 20: only(recalibrated, settings.sampled)},
                shrunk,
            )
        )
    return benchmark, scored, judge(benchmark, scored, settings, 1, silent)


def test_the_numbers_have_the_columns_that_the_page_of_results_says(judged):
    tables = {f"supernet_{field.name}": getattr(judged[2], field.name) for field in fields(judged[2])}
    assert set(tables) == {name for name in DOCUMENTED if name.startswith("supernet_")}
    for name, frame in tables.items():
        check_table(name, frame.schema)


def _change(found, name, later, before):
    rows = found.changes.filter(
        (found.changes["set"] == name) & (found.changes["predictor"] == later) & (found.changes["against"] == before)
    )
    return rows.row(0, named=True)


def test_what_a_supernet_learnt_and_did_not_learn_shows_on_each_set(judged):
    found = judged[2]
    assert _change(found, SAMPLE, RECALIBRATED, AS_TRAINED)["low"] > 0.2
    assert _change(found, OWN, FINE_TUNED, RECALIBRATED)["low"] > 0.1
    of = {(row["predictor"], row["set"]): row for row in found.means.iter_rows(named=True)}
    whole, best = of[RECALIBRATED, WHOLE], of[RECALIBRATED, TOP]
    assert best["value"] < whole["value"] - 0.1
    assert abs(best["value"] - best["reference"]) < 0.1
    assert (AS_TRAINED, WHOLE) not in of
    ceilings = dict(zip(found.ceilings["set"], found.ceilings["retrained_seeds"], strict=True))
    assert ceilings[WHOLE] > whole["high"]
    assert found.along["value"].to_numpy()[::2].max() < found.along["value"].to_numpy()[1::2].min()


def test_shrinking_by_a_better_ranking_keeps_more(judged):
    found = judged[2].shrinking_means
    recall = {
        (row["method"], row["selected_by"]): row["value"]
        for row in found.filter(found["figure"] == "recall_1").iter_rows(named=True)
    }
    assert recall["lissnas", "table"] > recall["lissnas", "supernet"]
    assert recall["lissnas", "supernet"] > 0.1


def test_every_set_and_method_is_said_and_drawn(judged):
    benchmark, scored, found = judged
    said = sentences(found)
    assert len(said) == len(measure.SETS) + found.changes.height + 7
    with style.house_style():
        for drawn in (draw_taus(found, benchmark), draw_scores(scored[0], benchmark), draw_shrinking(found, benchmark)):
            drawn.draw_without_rendering()
