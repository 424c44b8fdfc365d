"""`lissnas supernet train`: trains a supernet in its full space."""

from dataclasses import dataclass

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.supernet.options import (
    Changes,
    Device,
    Folder,
    Logs,
    Recipe,
    Weights,
    open_run,
    weights_changes,
)
from lissnas_analyses.cli.supernet.stage_result import SupernetStageResult, print_stage


@dataclass(frozen=True)
class SupernetTrainingResult(SupernetStageResult, CommandResult):
    """A trained supernet.

    Attributes
    ----------
    steps
        Number of training steps.
    loss
        Loss of the last step in nats; null if an earlier call finished the training.
    """

    steps: int
    loss: float | None


@json_command
def train(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    weights: Weights = None,
    changes: Changes = (),
    device: Device = None,
    log: Logs = (),
) -> SupernetTrainingResult:
    """Train a supernet in its full space, or resume its training.

    The folder gets the checkpoints and the recipe.
    """
    with open_run(recipe, (*changes, *weights_changes(weights)), out, device, log) as run:
        from lissnas_analyses.supernet import stage_results

        loss = stage_results.train(run)
        training = run.recipe.training
        findings = (f"trained for {training.steps:,} steps of {training.batch_size:,} images",)
        return SupernetTrainingResult(*print_stage(run, findings, None), training.steps, loss)
