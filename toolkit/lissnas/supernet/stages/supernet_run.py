"""SupernetRun: the recipe, the folder and the processes of a run, and how its stages report progress."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.recipe_images import open_images
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.stages.run_folder import RunFolder
from lissnas.supernet.training.logs.mlflow_log import MlflowLog
from lissnas.supernet.training.logs.progress import Progress, TrainingSummary
from lissnas.supernet.training.logs.tensorboard_log import TensorBoardLog
from lissnas.supernet.training.logs.training_log import LoggedReport, TrainingLog
from lissnas.supernet.training.logs.wandb_log import WandbLog
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.training_recipe import TrainingRecipe

LogName = Literal["tensorboard", "wandb", "mlflow"]
"""The experiment trackers that trainings can write to."""

ReportProgress = Callable[[str, float, str], None]
"""Called with the name of a step, the share of it that is done (0 if unknown), and details."""


@dataclass(frozen=True)
class TrainedSupernet:
    """A supernet after its last training.

    Attributes
    ----------
    network
        The supernet, with the weights of that training.
    training
        Number of the training; 0 is the training in the full space.
    average
        The moving average of the weights, by name, if the recipe has one; see `use_ema_weights`.
    """

    network: Supernet
    training: int
    average: Mapping[str, Tensor] | None


@dataclass(frozen=True)
class SupernetRun:
    """A run, and the process that works on it. Every stage resumes where an earlier call stopped.

    Under torchrun all processes compute, and the main process writes.

    Attributes
    ----------
    recipe, folder
        The recipe and the folder of the run.
    process_group
        The processes.
    report
        Called with the progress of the current step.
    logs
        The logs that each training writes.
    announce
        Called with a sentence about each finished training.
    """

    recipe: RunRecipe
    folder: RunFolder
    process_group: ProcessGroup
    report: ReportProgress
    logs: tuple[LogName, ...] = ()
    announce: Callable[[str], None] = lambda sentence: None

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes files and prints."""
        return self.process_group.rank == 0

    def open_images(self) -> ImageSource:
        """Check the recipe against the folder, save it in a new folder, and return the images."""
        self.folder.check(self.recipe)
        images = open_images(self.recipe, self.folder.path)
        if not self.folder.has_recipe:
            self.write_recipe()
        return images

    def trained_supernet(self, may_differ: tuple[str, ...] = ()) -> TrainedSupernet:
        """Return the supernet after its last training; raises as `RunFolder.check` and `RunFolder.load_weights` do."""
        self.folder.check(self.recipe, may_differ)
        network = self.recipe.network.build(np.random.default_rng(0))
        return TrainedSupernet(network, *self.folder.load_weights(self.recipe, network))

    def write_recipe(self) -> None:
        """Save the recipe in the folder. Stages call this after their first work, so a failed start leaves no trace."""
        if self.is_main_process:
            self.folder.write_recipe(self.recipe)

    def report_work(self, step: str, share: float, details: str) -> None:
        """Report finished work, and save the recipe that it depends on."""
        self.write_recipe()
        self.report(step, share, details)

    def report_training(self, step: str, progress: Progress) -> None:
        """Report a step of a training, and save the recipe."""
        details = f"loss {progress.loss:.2f}, {progress.images_per_second:,.0f} images/s"
        self.report_work(step, progress.step / progress.steps, details)

    def logged(
        self, training: str, recipe: TrainingRecipe, report: Callable[[Progress], None], until: ExitStack
    ) -> Callable[[Progress], None]:
        """Return a callback for the steps of a training that also writes its logs, and announces its end."""
        summary = TrainingSummary()

        def report_and_announce(progress: Progress) -> None:
            report(progress)
            summary.add(progress)
            if progress.step == progress.steps:
                self.announce(f"{training}: {summary}")

        logs = [_open_log(name, self.folder.path / name, training, recipe) for name in self.logs]
        return until.enter_context(LoggedReport(logs, recipe, report_and_announce))


def _open_log(name: LogName, folder: Path, training: str, recipe: TrainingRecipe) -> TrainingLog:
    match name:
        case "tensorboard":
            return TensorBoardLog(folder / training)
        case "wandb":
            return WandbLog(folder, training, asdict(recipe))
        case "mlflow":
            return MlflowLog(folder, training, asdict(recipe))


def scores_reporter(report: ReportProgress, step: str, total: int = 0) -> Callable[[int], None]:
    """Return a callback for `SupernetEvaluator` that reports how many networks are scored, of a total if known."""

    def report_scored(scored: int) -> None:
        report(step, min(scored / total, 1) if total else 0, f"{scored:,} scored")

    return report_scored
