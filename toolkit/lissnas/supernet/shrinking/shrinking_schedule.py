"""The schedule of the shrinking loop: how many rounds, how long each training is, and where its learning rate starts.

The training between rounds follows ABS: Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search",
ECCV 2020.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one
from lissnas.supernet.training.training_recipe import TrainingRecipe


@dataclass(frozen=True)
class ShrinkingSchedule:
    """How training and shrinking alternate."""

    steps_per_round: int
    """Number of training steps after each round; the training recipe sets those before the first round. ABS trains for
    five epochs."""

    max_rounds: int = 10
    """Maximum number of times the space is shrunk (our own choice); 0 trains without shrinking."""

    between_rounds: Literal["fine-tune", "restart"] = "fine-tune"
    """How training continues after a round: "fine-tune" keeps the weights and the position in the learning-rate
    schedule, as in ABS; "restart" draws new weights and restarts the schedule."""

    mean_sample_size: int = 59
    """Number of networks from which the loop estimates the mean before and after a round. 59 networks include one of
    the best 5 % with 95 % confidence (our own choice: 299, the number of LISSNAS for 1 %, would make means cost more
    than training)."""

    sizes: tuple[int, ...] = ()
    """Number of networks to keep in each round, for a shrinker with a setting `size`; if empty, every round uses that
    setting. The loop ends after the last entry."""

    radii: tuple[int, ...] = ()
    """Radius around each seed in each round, for a shrinker with a setting `radius`, such as LISSNAS; if empty, every
    round uses that setting. The loop ends after the last entry. Later rounds see only the shrunk space, so start with
    larger balls: a later ball should fit inside an earlier one (our own choice)."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "steps_per_round")
        if self.max_rounds < 0:
            raise SettingError(f"max_rounds must be at least 0, not {self.max_rounds}")
        if self.mean_sample_size < 2:
            raise SettingError(f"mean_sample_size must be at least 2, not {self.mean_sample_size}")
        if self.between_rounds not in ("fine-tune", "restart"):
            raise SettingError(f"between_rounds must be 'fine-tune' or 'restart', not '{self.between_rounds}'")
        if any(later >= earlier for earlier, later in pairwise(self.sizes)):
            raise SettingError(f"sizes must decrease from round to round; they are {list(self.sizes)}")
        if any(later > earlier for earlier, later in pairwise(self.radii)) or (self.radii and self.radii[-1] < 1):
            raise SettingError(
                f"radii must not increase from round to round and must be at least 1; they are {list(self.radii)}"
            )

    @property
    def round_limit(self) -> int:
        """Maximum number of rounds, given `max_rounds`, `sizes` and `radii`."""
        return min([self.max_rounds, *(len(values) for values in (self.sizes, self.radii) if values)])


def training_recipe_after(recipe: TrainingRecipe, schedule: ShrinkingSchedule, rounds: int) -> TrainingRecipe:
    """Return the recipe of the training that follows a number of rounds; after 0 rounds it is the recipe itself.

    Fine-tuning resumes the learning-rate schedule where the previous training stopped. If the recipe sets
    `schedule_steps`, as ABS does, the schedule has that length; otherwise it ends with this training. With the
    recipe of ABS the result is `abs_round`.
    """
    if rounds == 0:
        return recipe
    if schedule.between_rounds == "restart":
        return replace(recipe, steps=schedule.steps_per_round)
    steps_done = recipe.steps + (rounds - 1) * schedule.steps_per_round
    return replace(recipe, steps=schedule.steps_per_round, schedule_start=recipe.schedule_start + steps_done)
