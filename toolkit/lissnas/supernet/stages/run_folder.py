"""The folder of a run: its recipe, the loop with its trainings, and what later stages leave.

Work fixes the keys that it depends on: where there are checkpoints or scores, a folder goes on with the recipe that
they were made with, and only what nothing in it depends on yet may be changed.
"""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Literal

from torch import Tensor

from lissnas.errors import CheckpointError, LissnasError, SettingError
from lissnas.spaces.limited import LimitedSpace
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import another_run
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import Subspace, WholeSpace
from lissnas.subspaces.subspace_file import load
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.recipes.recipe_text import differing_keys, recipe_text
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.training.checkpoint import read_checkpoint

Stage = Literal["train", "shrink", "evaluate", "search", "retrain"]

_RECIPE = "recipe.toml"

_FIXED_BY: dict[Stage, tuple[str, ...]] = {
    "train": ("seed", "network", "images", "paths", "training"),
    "shrink": ("loop", "shrinking", "scoring", "limits.shrinking_flops"),
    "search": ("search", "scoring", "limits"),
    "retrain": ("retraining",),
}

_WORK: dict[Stage, tuple[str, ...]] = {
    "train": ("loop/training-*/step-*.pt",),
    "shrink": ("loop/space-*.parquet", "loop/*.jsonl"),
    "search": ("search/*/*.jsonl",),
    "retrain": ("retraining/*/step-*.pt", "retraining/*/retrained.json"),
}
"""The files of which one shows that a stage has done something; a folder alone does not."""

_FREE = (
    "checkpoints",
    "images.train",
    "images.validation",
    "images.fashion_mnist",
    "images.files.workers",
    "scoring.batch_size",
)
"""Where images lie, how many are scored at once, and how often the state is saved changes no result; other images are
refused by checkpoints."""

_RAISED = ("loop.max_rounds", "search.evaluations", "images.files.max_unreadable")
"""A run that has ended goes on when it is asked for more."""


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    folder
        Where. It is made by `settle`.

    Attributes
    ----------
    folder, loop
        The run's own, and that of the loop of training and shrinking.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = folder / "loop"
        self._settled: RunRecipe | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a recipe."""
        return (self.folder / _RECIPE).exists()

    def recipe(self) -> RunRecipe:
        """Return the recipe of the run; raises LissnasError if there is none."""
        if not self.begun:
            raise LissnasError(
                f"{self.folder}: holds no run; name a recipe to begin one, as 'lissnas supernet train digits --out "
                f"{self.folder}'"
            )
        return read_recipe(str(self.folder / _RECIPE))

    def changed(self, changes: tuple[str, ...]) -> RunRecipe:
        """Return the recipe of the run with changes, as `read_recipe` takes them."""
        self.recipe()
        return read_recipe(str(self.folder / _RECIPE), changes)

    def write_recipe(self, recipe: RunRecipe) -> None:
        """Make the recipe the run's; raises LissnasError if the folder cannot be written."""
        if recipe == self._settled:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.folder / _RECIPE) as file:
                file.write(recipe_text(recipe).encode())
        except OSError as error:
            raise LissnasError(
                f"cannot write to {self.folder} ({error.strerror}): choose another folder with --out"
            ) from error
        self._settled = recipe

    def check(self, recipe: RunRecipe, free: tuple[str, ...] = ()) -> None:
        """Refuse a recipe that the work in the folder was not done with.

        Parameters
        ----------
        free
            Keys and tables that may be others for all that.

        Raises
        ------
        SettingError
            If work that is there depends on a key that this recipe has another value of, or if fewer rounds are asked
            for than are done.
        """
        if not self.begun:
            return
        fixed = [key for stage, keys in _FIXED_BY.items() if self._holds_work(stage) for key in keys]
        for key, theirs, ours in differing_keys(self.recipe(), recipe):
            if _within(key, fixed) and not _within(key, (*_FREE, *_RAISED, *free)):
                raise SettingError(another_run(self.folder, key, theirs, ours))
        done = self.last_training()
        if recipe.loop.max_rounds < done:
            raise SettingError(
                f"{self.folder}: loop.max_rounds is {recipe.loop.max_rounds}, but {done} rounds are done; leave it at "
                f"{done} or more, or begin another run in another folder with --out"
            )

    def _holds_work(self, stage: Stage) -> bool:
        return any(_is_work(path) for pattern in _WORK[stage] for path in self.folder.glob(pattern))

    def results(self, stage: Stage) -> Path:
        """Return where a stage leaves what it makes, that of shrinking apart from the loop's."""
        return {
            "train": self.loop,
            "shrink": self.folder / "shrinking",
            "evaluate": self.folder / "evaluation",
            "search": self.folder / "search",
            "retrain": self.folder / "retraining",
        }[stage]

    def trained(self, recipe: RunRecipe, network: Supernet) -> tuple[int, Mapping[str, Tensor] | None]:
        """Give a network the weights of the last training.

        Returns
        -------
        The number of the training, the first being 0, and the moving average of the weights, if the recipe asks for
        one.

        Raises
        ------
        CheckpointError
            If that is not finished, or its last checkpoint is damaged or of another space.
        LissnasError
            If there is no run.
        """
        self.recipe()
        number = self.last_training()
        steps = recipe.loop.steps_per_round if number else recipe.training.steps
        path = self.loop / f"training-{number}" / f"step-{steps:010d}.pt"
        if not path.exists():
            found = sorted(path.parent.glob("step-*.pt"))
            done = int(found[-1].stem.removeprefix("step-")) if found else 0
            training, stage = (f"training {number}", "shrink") if number else ("the training", "train")
            raise CheckpointError(
                f"{self.folder}: {training} of the supernet is at step {done:,} of {steps:,}; finish it with 'lissnas "
                f"supernet {stage} --out {self.folder}'"
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
        number = self.last_training()
        network, limits = recipe.network, recipe.limits
        limit = limits.shrinking_flops if limits.search_flops is None else limits.search_flops
        if not number:
            return WholeSpace(network.within(limit))
        kept, _ = load(self.space(number), network.search_space())
        within = network.within(limits.search_flops)
        return LimitedSubspace(within, kept) if isinstance(within, LimitedSpace) else kept

    def space(self, number: int) -> Path:
        """Return the file of what a round kept."""
        return self.loop / f"space-{number}.parquet"

    def last_training(self) -> int:
        """Return the number of the last training, finished or not: as many rounds as have kept something."""
        return next(number for number in count() if not self.space(number + 1).exists())


def _is_work(path: Path) -> bool:
    """Tell whether a file holds work: of a journal the first line alone, which says which run it is, is none."""
    if path.suffix != ".jsonl":
        return True
    with path.open("rb") as journal:
        journal.readline()
        return bool(journal.readline())


def _within(key: str, places: tuple[str, ...] | list[str]) -> bool:
    """Tell whether a key is one of these or in one of these tables."""
    return any(key == place or key.startswith(f"{place}.") for place in places)
