"""`lissnas supernet retrain`: trains one network alone and measures it on the official validation images."""

from dataclasses import asdict, dataclass
from typing import Annotated

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.supernet.options import (
    Changes,
    Device,
    Folder,
    Form,
    Logs,
    Recipe,
    need_architecture,
    official_strings,
    open_run,
)
from lissnas_analyses.cli.supernet.stage_result import SupernetStageResult, print_stage


@dataclass(frozen=True)
class SupernetRetrainingResult(SupernetStageResult, CommandResult):
    """A network trained alone.

    Attributes
    ----------
    architecture
        Official string.
    top1, top5
        Percentage of the official validation images whose class is the network's first choice, and among its first
        five.
    images
        Number of images that were classified.
    unreadable
        Number of images that could not be read.
    """

    architecture: str
    top1: float
    top5: float
    images: int
    unreadable: int


@json_command
def retrain(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    architecture: Annotated[str | None, Parameter(help="The network; by default the best one of the search.")] = None,
    form: Form = OFFICIAL,
    changes: Changes = (),
    device: Device = None,
    log: Logs = (),
) -> SupernetRetrainingResult:
    """Train one network alone from new weights, and measure it once on the official validation images.

    Its checkpoints and its score are in the folder `retraining` of the run.
    """
    need_architecture(form, architecture is not None)
    with open_run(recipe, changes, out, device, log) as run:
        from lissnas_analyses.supernet import stage_results

        if architecture is not None:
            [architecture] = official_strings([architecture], form, run.recipe.network.search_space())
        score, results = stage_results.retrain(run, architecture)
        return SupernetRetrainingResult(*print_stage(run, (str(score),), results), **asdict(score))
