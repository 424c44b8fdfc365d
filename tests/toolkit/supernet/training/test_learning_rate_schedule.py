"""The learning-rate schedule: warmup, then a linear or cosine decay."""

from dataclasses import replace

import numpy as np
import pytest
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.training_recipe import TrainingRecipe

PLAIN = TrainingRecipe(steps=100, batch_size=4, micro_batch_size=2, learning_rate=1.0)


def test_a_linear_schedule_ends_at_the_final_learning_rate() -> None:
    recipe = replace(PLAIN, final_learning_rate=0.2)
    assert [learning_rate_at(recipe, step) for step in (0, 50, 100)] == pytest.approx([1.0, 0.6, 0.2])


def test_a_cosine_schedule_is_flat_at_both_ends() -> None:
    recipe = replace(PLAIN, schedule="cosine")
    assert [learning_rate_at(recipe, step) for step in (0, 25, 50, 75, 100)] == pytest.approx(
        [1.0, 0.5 + 0.5 * np.sqrt(0.5), 0.5, 0.5 - 0.5 * np.sqrt(0.5), 0.0]
    )


def test_warmup_rises_by_equal_increments_before_the_schedule() -> None:
    recipe = replace(PLAIN, warmup_steps=4)
    assert [learning_rate_at(recipe, step) for step in (0, 1, 3, 4, 52)] == pytest.approx([0.25, 0.5, 1.0, 1.0, 0.5])
