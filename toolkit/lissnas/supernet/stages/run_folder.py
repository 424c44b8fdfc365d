"""RunFolder: the folder of a run, with its recipe, its trainings, and the results of each stage.

Finished work fixes the recipe keys that it depends on: once there are checkpoints or scores, only keys that no work in
the folder depends on can change.
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
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas.subspaces.subspace_file import load
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.recipes.recipe_text import differing_keys, recipe_text
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.training.checkpoint import read_checkpoint

Stage = Literal["train", "shrink", "evaluate", "search", "retrain"]

_RECIPE = "recipe.toml"

_FIXED_KEYS: dict[Stage, tuple[str, ...]] = {
    "train": ("seed", "network", "images", "paths", "training", "initial_weights"),
    "shrink": ("loop", "shrinking", "scoring", "limits.shrinking_flops", "limits.latency_ms"),
    "search": ("search", "search_training", "scoring", "limits"),
    "retrain": ("retraining",),
}
"""Recipe keys and tables that the work of a stage depends on."""

_WORK_FILES: dict[Stage, tuple[str, ...]] = {
    "train": ("loop/training-*/step-*.pt",),
    "shrink": ("loop/space-*.parquet", "loop/*.jsonl"),
    "search": ("search/*/*.jsonl", "search/*/supernet/step-*.pt"),
    "retrain": ("retraining/*/step-*.pt", "retraining/*/retrained.json"),
}
"""Patterns of the files that show that a stage has done work; an empty folder does not."""

_FREE_KEYS = (
    "checkpoints",
    "images.train",
    "images.validation",
    "images.fashion_mnist",
    "images.files.workers",
    "limits.latency_table",
    "scoring.batch_size",
)
"""Keys that never change a result: where images are, how many are scored at once, when checkpoints are written. Other
images or another table at the same place are refused by the checkpoints and journals."""

_RAISABLE_KEYS = ("loop.max_rounds", "search.evaluations", "images.files.max_unreadable")
"""Keys that may change after the work, to continue a finished run."""


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        The folder; `write_recipe` creates it.

    Attributes
    ----------
    path, loop
        The folder of the run, and that of its shrinking loop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = path / "loop"
        self._written: RunRecipe | None = None

    @property
    def has_recipe(self) -> bool:
        """Whether the folder has a recipe."""
        return (self.path / _RECIPE).exists()

    def recipe(self, changes: tuple[str, ...] = ()) -> RunRecipe:
        """Return the recipe of the run, with changes as `read_recipe` takes them; LissnasError if there is none."""
        if not self.has_recipe:
            raise LissnasError(
                f"{self.path}: holds no run; name a recipe to begin one, as 'lissnas supernet train digits --out "
                f"{self.path}'"
            )
        return read_recipe(str(self.path / _RECIPE), changes)

    def write_recipe(self, recipe: RunRecipe) -> None:
        """Save the recipe in the folder; raises LissnasError if the folder cannot be written."""
        if recipe == self._written:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.path / _RECIPE) as file:
                file.write(recipe_text(recipe).encode())
        except OSError as error:
            raise LissnasError(
                f"cannot write to {self.path} ({error.strerror}): choose another folder with --out"
            ) from error
        self._written = recipe

    def check(self, recipe: RunRecipe, may_differ: tuple[str, ...] = ()) -> None:
        """Raise SettingError if work in the folder was done with another recipe.

        That is: if some work depends on a key with another value, or if more rounds are done than the recipe has.

        Parameters
        ----------
        recipe
            The recipe to continue with.
        may_differ
            Keys and tables that are not compared.
        """
        if not self.has_recipe:
            return
        fixed = [key for stage, keys in _FIXED_KEYS.items() if self.has_work(stage) for key in keys]
        for key, theirs, ours in differing_keys(self.recipe(), recipe):
            if _is_among(key, fixed) and not _is_among(key, (*_FREE_KEYS, *_RAISABLE_KEYS, *may_differ)):
                raise SettingError(another_run(self.path, key, theirs, ours))
        done = self.last_training()
        if recipe.loop.max_rounds < done:
            raise SettingError(
                f"{self.path}: loop.max_rounds is {recipe.loop.max_rounds}, but {done} rounds are done; set it to "
                f"{done} or more, or start another run in another folder with --out"
            )

    def has_work(self, stage: Stage) -> bool:
        """Return whether the folder has finished or unfinished work of a stage."""
        return any(_has_content(path) for pattern in _WORK_FILES[stage] for path in self.path.glob(pattern))

    def stage_folder(self, stage: Stage) -> Path:
        """Return the folder for the results of a stage."""
        return {
            "train": self.loop,
            "shrink": self.path / "shrinking",
            "evaluate": self.path / "evaluation",
            "search": self.path / "search",
            "retrain": self.path / "retraining",
        }[stage]

    def load_weights(self, recipe: RunRecipe, network: Supernet) -> tuple[int, Mapping[str, Tensor] | None]:
        """Load the weights of the last training into a network.

        Returns
        -------
        The number of the training, starting at 0, and the moving average of the weights if the recipe has one.

        Raises
        ------
        CheckpointError
            If the training is not finished, or its last checkpoint is damaged or of another network.
        LissnasError
            If the folder has no run.
        """
        self.recipe()
        number = self.last_training()
        steps = recipe.loop.steps_per_round if number else recipe.training.steps
        path = self.loop / f"training-{number}" / f"step-{steps:010d}.pt"
        if not path.exists():
            checkpoints = sorted(path.parent.glob("step-*.pt"))
            done = int(checkpoints[-1].stem.removeprefix("step-")) if checkpoints else 0
            training, stage = (f"training {number}", "shrink") if number else ("the training", "train")
            raise CheckpointError(
                f"{self.path}: {training} of the supernet is at step {done:,} of {steps:,}; finish it with 'lissnas "
                f"supernet {stage} --out {self.path}'"
            )
        state = read_checkpoint(path)
        try:
            network.load_state_dict(state["network"])
        except (RuntimeError, KeyError) as error:
            raise CheckpointError(
                f"{path}: this checkpoint does not fit the network of the recipe ({network.space.name}); give each run "
                "its own folder"
            ) from error
        return number, state["average"] or None

    def search_subspace(self, recipe: RunRecipe) -> Subspace:
        """Return the subspace to search: the shrunk space, or the full space before any round, within the limits."""
        number = self.last_training()
        network, limits = recipe.network, recipe.limits
        if not number:
            return FullSpace(recipe.limited_space(limits.search_flops or limits.shrinking_flops))
        shrunk, _ = load(self.subspace_file(number), network.search_space())
        space = recipe.limited_space(limits.search_flops)
        return LimitedSubspace(space, shrunk) if isinstance(space, LimitedSpace) else shrunk

    def shrunk_space(self, recipe: RunRecipe) -> Subspace:
        """Return the shrunk space, or the full space before any round, within the limits of the shrinking."""
        number, space = self.last_training(), recipe.limited_space(recipe.limits.shrinking_flops)
        if not number:
            return FullSpace(space)
        shrunk, _ = load(self.subspace_file(number), recipe.network.search_space())
        return LimitedSubspace(space, shrunk) if isinstance(space, LimitedSpace) else shrunk

    def subspace_file(self, number: int) -> Path:
        """Return the path of the subspace file of a round."""
        return self.loop / f"space-{number}.parquet"

    def last_training(self) -> int:
        """Return the number of the last training, finished or not; it equals the number of successful rounds."""
        return next(number for number in count() if not self.subspace_file(number + 1).exists())


def _has_content(path: Path) -> bool:
    """Return whether a file has work in it; a journal with only a header counts as empty."""
    if path.suffix != ".jsonl":
        return True
    with path.open("rb") as journal:
        journal.readline()
        return bool(journal.readline())


def _is_among(key: str, places: tuple[str, ...] | list[str]) -> bool:
    """Return whether a key is one of these keys or is in one of these tables."""
    return any(key == place or key.startswith(f"{place}.") for place in places)
