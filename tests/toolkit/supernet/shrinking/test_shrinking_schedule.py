"""Schedules of the shrinking loop, and the recipes of the trainings between its rounds."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import tiny_loop as tiny
from lissnas.errors import SettingError
from lissnas.supernet.shrinking.shrinking_schedule import ShrinkingSchedule, training_recipe_after
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.training_recipe import ABS, abs_round

REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: ShrinkingSchedule(steps_per_round=0), "steps_per_round must be at least 1, not 0"),
    (lambda: ShrinkingSchedule(steps_per_round=1, max_rounds=-1), "max_rounds must be at least 0, not -1"),
    (lambda: ShrinkingSchedule(steps_per_round=1, mean_sample_size=1), "mean_sample_size must be at least 2, not 1"),
    (
        lambda: ShrinkingSchedule(steps_per_round=1, sizes=(10, 10)),
        r"sizes must decrease from round to round; they are \[10, 10\]",
    ),
    (lambda: ShrinkingSchedule(steps_per_round=1, radii=(1, 2)), r"radii must not increase .* they are \[1, 2\]"),
    (lambda: ShrinkingSchedule(steps_per_round=1, radii=(1, 0)), r"must be at least 1; they are \[1, 0\]"),
    (
        lambda: ShrinkingSchedule(steps_per_round=1, between_rounds="anew"),  # type: ignore[arg-type]
        "between_rounds must be 'fine-tune' or 'restart', not 'anew'",
    ),
]


@pytest.mark.parametrize(("schedule", "message"), REFUSED, ids=[message for _schedule, message in REFUSED])
def test_impossible_schedules_are_refused(schedule: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        schedule()


def test_later_recipes_of_abs_are_those_of_its_authors() -> None:
    schedule = ShrinkingSchedule(steps_per_round=abs_round(1).steps)
    for rounds in range(5):
        assert training_recipe_after(ABS, schedule, rounds) == abs_round(rounds)


def test_fine_tuning_resumes_the_learning_rate_schedule() -> None:
    schedule = ShrinkingSchedule(steps_per_round=10)
    recipe = replace(
        tiny.RECIPE, steps=40, schedule="linear", schedule_steps=100, warmup_steps=0, final_learning_rate=0.0
    )
    assert learning_rate_at(training_recipe_after(recipe, schedule, 2), 0) == pytest.approx(0.3 * (1 - 50 / 100))
    last = training_recipe_after(replace(recipe, schedule_steps=None), schedule, 1)
    assert learning_rate_at(last, 0) == pytest.approx(0.3 * (1 - 40 / 50))
    assert learning_rate_at(last, 9) < 0.3 * 0.03
