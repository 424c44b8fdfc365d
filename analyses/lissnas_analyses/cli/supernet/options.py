"""Options that the commands on supernets share, and how they open a run."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, Token
from lissnas.bridges.dialects import OFFICIAL, read_architectures
from lissnas.errors import SettingError
from lissnas.spaces.space import Space
from lissnas.supernet.recipes.packaged_recipes import recipe_names

from lissnas_analyses.cli.shared.terminal import activity, console, is_main_process, progress, say

if TYPE_CHECKING:
    from lissnas.supernet.stages.supernet_run import LogName, SupernetRun

_RECIPE = f"Path of a recipe file, or the name of a recipe that comes with the project: {', '.join(recipe_names())}"

Recipe = Annotated[str | None, Parameter(help=f"{_RECIPE}. By default the recipe of the folder.")]
AnyRecipe = Annotated[str, Parameter(help=f"{_RECIPE}.")]
Changes = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="Change a key of the recipe, as training.steps=2000; may be repeated.",
        show_default=False,
    ),
]


def _folder(_type: type, tokens: Sequence[Token]) -> Path:
    """Return the path of a folder; raises ValueError for an empty string, which Path reads as the current folder."""
    [token] = tokens
    if not token.value:
        raise ValueError("it names no folder; give one, or . for the current folder")
    return Path(token.value)


Folder = Annotated[Path, Parameter(name="--out", help="Folder of the run; each run needs its own.", converter=_folder)]
Device = Annotated[
    str | None, Parameter(help="Device: cpu, cuda, or one GPU as cuda:1; by default a GPU if there is one.")
]


Form = Annotated[
    str, Parameter(name="--format", help="Format of the architectures, such as naslib-201; default: official strings.")
]


def need_architecture(form: str, is_given: bool, options: str = "--architecture") -> None:
    """Raise SettingError if a format is named although no architecture is given that would be in it."""
    if form != OFFICIAL and not is_given:
        raise SettingError(f"--format {form} is the format of {options}, which is not given")


def official_strings(texts: Sequence[str], form: str, space: Space) -> tuple[str, ...]:
    """Return the official string of each architecture; raises ArchitectureError if a text is not in this format."""
    return tuple(space.write(read_architectures(texts, form, space)))


Limits = Annotated[
    tuple[str, ...],
    Parameter(
        name="--limit",
        help="Limit of this stage, as 'latency<=15ms' (with --set limits.latency_table=FILE) or 'flops<=330e6'; may be "
        "repeated.",
        show_default=False,
    ),
]
_LIMIT = re.compile(r"\s*(latency|flops)\s*<=\s*(\d+(?:\.\d*)?(?:[eE]\d+)?)\s*(ms)?\s*", re.ASCII)


def limit_changes(limits: tuple[str, ...], flops_key: str) -> tuple[str, ...]:
    """Return the changes of a recipe that set limits; raise SettingError for a limit that is written differently.

    Parameters
    ----------
    limits
        Such as 'latency<=15ms' and 'flops<=330e6'.
    flops_key
        The key of the recipe that limits multiply-accumulates in this stage.
    """
    changes = []
    for limit in limits:
        match = _LIMIT.fullmatch(limit)
        if match is None or (match[1] == "flops" and match[3]):
            raise SettingError(f"--limit must be written like 'latency<=15ms' or 'flops<=330e6', not '{limit}'")
        value = float(match[2])
        changes.append(f"limits.latency_ms={value}" if match[1] == "latency" else f"{flops_key}={round(value)}")
    return tuple(changes)


Logs = Annotated[
    tuple[Literal["tensorboard", "wandb", "mlflow"], ...],
    Parameter(
        name="--log",
        help="Also write loss, accuracy, learning rate and speed for these trackers, to folders of the run.",
        consume_multiple=True,
        show_default=False,
    ),
]


Weights = Annotated[
    Path | None,
    Parameter(
        name="--weights",
        help="File of weights to begin with, of torchvision, timm, SPOS, ProxylessNAS, or our own.",
    ),
]


def weights_changes(weights: Path | None) -> tuple[str, ...]:
    """Return the changes of a recipe that set the initial weights."""
    return () if weights is None else (f"initial_weights={json.dumps(str(weights), ensure_ascii=False)}",)


def need_torch(user: str = "supernets") -> None:
    """Raise SettingError, with what needs torch and what to install, if torch is missing."""
    if find_spec("torch") is None:
        raise SettingError(f"{user} need torch, which is not installed: pip install 'lissnas[supernet]'")


@contextmanager
def open_run(
    recipe: str | None, changes: tuple[str, ...], out: Path, device: str | None, logs: "tuple[LogName, ...]" = ()
) -> "Iterator[SupernetRun]":
    """Yield the run in a folder, of the folder's recipe or of a given one; only the main process prints."""
    need_torch()
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.recipes.run_recipe import limits_without_effect
    from lissnas.supernet.stages.run_folder import RunFolder
    from lissnas.supernet.stages.supernet_run import SupernetRun
    from lissnas.supernet.training.process_group import join_process_group

    folder = RunFolder(out)
    run_recipe = folder.recipe(changes) if recipe is None else read_recipe(recipe, changes)
    check_device(device)
    is_main = is_main_process()
    if not is_main:
        console.quiet = True
        activity.clear()
    for sentence in limits_without_effect(run_recipe):
        say(sentence, indent=2)
    with join_process_group(device) as group, progress():
        report = activity.report if is_main else lambda step, share, details: None
        yield SupernetRun(run_recipe, folder, group, report, logs, lambda sentence: say(sentence, indent=2))


def check_device(device: str | None) -> None:
    """Raise SettingError if a string is not a device that supernets run on."""
    if device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise SettingError(
            f"--device {device}: not a device that supernets run on; give cpu, cuda, or one GPU as cuda:1"
        )
