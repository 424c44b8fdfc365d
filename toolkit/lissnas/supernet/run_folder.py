"""The folder of a run: its recipe, the loop with its trainings, and what later stages leave.

A stage fixes the keys that it depends on: a folder goes on with the recipe that it was begun with, and only what
nothing in it depends on yet may be changed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor

from lissnas.errors import CheckpointError, LissnasError, SettingError
from lissnas.limited import LimitedSpace
from lissnas.limited_subspace import LimitedSubspace
from lissnas.subspace import Subspace, WholeSpace, load
from lissnas.supernet.checkpoint import read_checkpoint
from lissnas.supernet.recipe_file import read_recipe
from lissnas.supernet.recipe_text import differing_keys, recipe_text
from lissnas.supernet.run_recipe import RunRecipe
from lissnas.supernet.supernet import Supernet
from lissnas.whole_file import whole_file

Stage = Literal["train", "shrink", "evaluate", "search", "retrain"]

_RECIPE = "recipe.toml"

_FIXED_BY: dict[Stage, tuple[str, ...]] = {
    "train": ("seed", "network", "images", "paths", "training"),
    "shrink": ("loop", "shrinking", "scoring", "limits.shrinking"),
    "evaluate": (),
    "search": ("search", "scoring", "limits"),
    "retrain": ("retraining",),
}

_FREE = (
    "checkpoints",
    "images.train",
    "images.validation",
    "images.fashion_mnist",
    "images.stored.workers",
    "scoring.batch",
)
"""Where images lie, how many are scored at once, and how often the state is saved changes no result; other images are
refused by checkpoints."""

_RAISED = ("loop.rounds", "search.evaluations", "images.stored.most_unreadable")
"""A run that has ended goes on when it is asked for more."""


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    folder
        Where. It is made by `settle`.

    Attributes
    ----------
    folder, loop, retraining
        The run's own, that of the loop of training and shrinking, and that of the winner's training.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = folder / "loop"
        self.retraining = folder / "retraining"

    def recipe(self) -> RunRecipe:
        """Return the recipe of the run; raises LissnasError if there is none."""
        path = self.folder / _RECIPE
        if not path.exists():
            raise LissnasError(
                f"{self.folder}: holds no run; name a recipe to begin one, as 'lissnas supernet train digits --out "
                f"{self.folder}'"
            )
        return read_recipe(str(path))

    def changed(self, changes: tuple[str, ...]) -> RunRecipe:
        """Return the recipe of the run with changes, as `read_recipe` takes them."""
        self.recipe()
        return read_recipe(str(self.folder / _RECIPE), changes)

    def settle(self, recipe: RunRecipe, stage: Stage, *, writes: bool = True) -> None:
        """Make the recipe the run's, and the stage begun.

        Parameters
        ----------
        writes
            Whether this process is the one that writes.

        Raises
        ------
        SettingError
            If a stage that was begun depends on a key that is another now.
        LissnasError
            If the folder cannot be written.
        """
        self.check(recipe)
        if not writes:
            return
        try:
            for folder in (self.folder, self._mark(stage)):
                folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self.folder / _RECIPE) as file:
                file.write(recipe_text(recipe).encode())
        except OSError as error:
            raise LissnasError(
                f"cannot write to {self.folder} ({error.strerror}): choose another folder with --out"
            ) from error

    def check(self, recipe: RunRecipe) -> None:
        """Raise SettingError if a stage that was begun depends on a key that this recipe has another value of."""
        if not (self.folder / _RECIPE).exists():
            return
        begun = [stage for stage in _FIXED_BY if self._mark(stage).exists()]
        fixed = [key for stage in begun for key in _FIXED_BY[stage]]
        for key, theirs, ours in differing_keys(self.recipe(), recipe):
            if _within(key, fixed) and not _within(key, _FREE) and key not in _RAISED:
                raise SettingError(
                    f"{self.folder}: the run of another recipe, whose {key} is {theirs!r}, not {ours!r}; give each "
                    "recipe its own folder with --out"
                )

    def _mark(self, stage: Stage) -> Path:
        """Return a folder that is there when a stage was begun."""
        return {
            "train": self.loop,
            "shrink": self.folder / "shrinking",
            "evaluate": self.folder / "evaluation",
            "search": self.folder / "search",
            "retrain": self.retraining,
        }[stage]

    def results(self, stage: Stage) -> Path:
        """Return where a stage leaves its tables and its manifest."""
        return self._mark(stage)

    def trained(self, recipe: RunRecipe, network: Supernet) -> tuple[int, Mapping[str, Tensor] | None]:
        """Give a network the weights of the last training that was finished.

        Returns
        -------
        The number of the training, the first being 0, and the moving average of the weights, if the recipe asks for
        one.

        Raises
        ------
        CheckpointError
            If no training was finished, or its last checkpoint is damaged or of another space.
        """
        number = self._last_training(recipe)
        steps = recipe.loop.later_steps if number else recipe.training.steps
        path = self.loop / f"training-{number}" / f"step-{steps:010d}.pt"
        if not path.exists():
            found = sorted(path.parent.glob("step-*.pt"))
            done = int(found[-1].stem.removeprefix("step-")) if found else 0
            raise CheckpointError(
                f"{self.folder}: the supernet is at step {done:,} of {steps:,}; finish it with 'lissnas supernet "
                f"train --out {self.folder}'"
            )
        state = read_checkpoint(path)
        try:
            network.load_state_dict(state["network"])
        except (RuntimeError, KeyError) as error:
            raise CheckpointError(
                f"{path}: the checkpoint of another network than {network.space.name} as the recipe has it; give each "
                "run its own folder"
            ) from error
        return number, state["average"] or None

    def kept(self, recipe: RunRecipe) -> Subspace:
        """Return the networks to search in: what shrinking kept, or all, as far as they meet the limits."""
        number = self._last_training(recipe)
        network, limits = recipe.network, recipe.limits
        limit = limits.shrinking if limits.search is None else limits.search
        if not number:
            return WholeSpace(network.within(limit))
        kept, _ = load(self.space(number), network.space_of_it())
        within = network.within(limits.search)
        return LimitedSubspace(within, kept) if isinstance(within, LimitedSpace) else kept

    def space(self, number: int) -> Path:
        """Return the file of what a round kept."""
        return self.loop / f"space-{number}.parquet"

    def _last_training(self, recipe: RunRecipe) -> int:
        last = f"step-{recipe.loop.later_steps:010d}.pt"
        number = 0
        while self.space(number + 1).exists() and (self.loop / f"training-{number + 1}" / last).exists():
            number += 1
        return number


def _within(key: str, places: tuple[str, ...] | list[str]) -> bool:
    """Tell whether a key is one of these or in one of these tables."""
    return any(key == place or key.startswith(f"{place}.") for place in places)
