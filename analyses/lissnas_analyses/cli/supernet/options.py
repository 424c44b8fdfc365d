"""What the commands on supernets share: their options, and a run opened from a recipe and a folder."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token
from lissnas.errors import SettingError
from lissnas.supernet.recipes.packaged_recipes import recipe_names

from lissnas_analyses.cli.terminal import activity, console, is_main_process, progress

if TYPE_CHECKING:
    from lissnas_analyses.supernet.stages import Run

_RECIPE = f"Path of a recipe file, or the name of a recipe that comes with the project: {', '.join(recipe_names())}"

Recipe = Annotated[str | None, Parameter(help=f"{_RECIPE}. By default that of the folder.")]
AnyRecipe = Annotated[str, Parameter(help=f"{_RECIPE}.")]
Changes = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="Another value for a key of the recipe, as training.steps=2000; may be repeated.",
        show_default=False,
    ),
]


def _folder(_type: type, tokens: Sequence[Token]) -> Path:
    """Return the path of a folder; raises ValueError for nothing, which a Path takes for the current folder."""
    [token] = tokens
    if not token.value:
        raise ValueError("it names no folder; give one, or . for the current folder")
    return Path(token.value)


Folder = Annotated[Path, Parameter(name="--out", help="Folder of the run: one run, one folder.", converter=_folder)]
Device = Annotated[
    str | None, Parameter(help="Where to compute: cpu, cuda, or one GPU as cuda:1; by default a GPU, if there is one.")
]


TensorBoard = Annotated[
    bool,
    Parameter(
        name="--tensorboard",
        help="Write loss, rate and images a second for TensorBoard too, to the run's folder tensorboard.",
        negative=(),
        show_default=False,
    ),
]


def need_torch() -> None:
    """Raise SettingError with what to install where torch is missing."""
    if find_spec("torch") is None:
        raise SettingError("supernets need torch, which is not installed: pip install 'lissnas[supernet]'")


@contextmanager
def opened(
    recipe: str | None, changes: tuple[str, ...], out: Path, device: str | None, tensorboard: bool = False
) -> "Iterator[Run]":
    """Yield a run; of the processes that torchrun started, only the first one prints."""
    need_torch()
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.stages.run_folder import RunFolder
    from lissnas.supernet.training.process_group import join_process_group

    from lissnas_analyses.supernet.stages import Run

    place = RunFolder(out)
    made = place.changed(changes) if recipe is None else read_recipe(recipe, changes)
    _check_device(device)
    first = is_main_process()
    if not first:
        console.quiet = True
        activity.clear()
    with join_process_group(device) as group, progress():
        tell = activity.report if first else lambda step, share, told: None
        yield Run(made, place, group, tell, tensorboard)


def _check_device(device: str | None) -> None:
    if device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise SettingError(f"--device {device}: no device that supernets run on; give cpu, cuda, or one GPU as cuda:1")
