"""Settings of a recipe that fail only together, such as a memory format and a later stage."""

from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest
import tiny_loop as tiny
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.supernet.stages.retrain import retrain
from lissnas.supernet.stages.search import search_by_supernet
from torch import nn

PAIRS = (
    {"channels_last": True, "precision": "bfloat16", "ema_decay": 0.9, "grad_clip_value": 1.0},
    {"channels_last": True, "precision": "float16", "ema_decay": None, "grad_clip_value": None},
    {"channels_last": True, "precision": "float32", "ema_decay": None, "grad_clip_value": 1.0, "compiled": True},
    {"channels_last": False, "precision": "bfloat16", "ema_decay": None, "grad_clip_value": None, "compiled": True},
    {"channels_last": False, "precision": "float16", "ema_decay": 0.9, "grad_clip_value": 1.0, "compiled": True},
    {"channels_last": False, "precision": "float32", "ema_decay": 0.9, "grad_clip_value": None},
)
"""Recipes in which every pair of values of two of these settings occurs."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_every_pair_of_settings_runs_through_training_shrinking_searching_and_retraining(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The captured graphs run as they are: compiling them to machine code would take a minute."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    recipe = replace(tiny.RECIPE, steps=8, **PAIRS[number])
    shrinkers = (tiny.KERNEL, tiny.ANGLES)
    network, trace = tiny.loop(tmp_path / "loop", recipe=recipe, **shrinkers[number % 2])
    assert trace.rounds
    found = search_by_supernet(
        network,
        trace.average,
        trace.subspace,
        tiny.source(),
        RegularizedEvolution(population=2, tournament=1),
        3,
        tiny.SCORING,
        np.random.default_rng(0),
        tmp_path / "search",
    )
    assert 0 <= found.evaluations.scores.max() <= 100
    scoring = replace(tiny.SCORING, closing_batches=2)
    rng = np.random.default_rng(0)
    row = found.evaluations.best(1)[0]
    score = retrain(network, row, tiny.source(), recipe, scoring, rng, tmp_path / "alone", report=lambda step: None)
    assert score.images == 397
