"""TrainingLog: what an experiment tracker must offer, and a report that writes each step of a training to several.

`tensorboard_log.py`, `wandb_log.py` and `mlflow_log.py` are the trackers that come with the project. Each imports its
package when a log is made, and writes to the disk of this machine unless its own environment variables say otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self

from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.training_recipe import TrainingRecipe


class TrainingLog(Protocol):
    """The log of one training. The first call of `write` opens it, so that only the main process does."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the measurements of a step, counted from 1, by their names."""

    def close(self) -> None:
        """Close the log. Nothing happens if no step was written."""


class LoggedReport:
    """A ``report`` for `train_supernet` that writes every step to logs, then calls another report.

    Use it in a ``with``, which closes the logs.

    Parameters
    ----------
    logs
        The logs.
    recipe
        Gives the learning rate of each step.
    report
        Also called after every step.

    Examples
    --------
    >>> from lissnas.supernet.training.logs.tensorboard_log import TensorBoardLog
    >>> with LoggedReport([TensorBoardLog(folder)], recipe, print) as report:  # doctest: +SKIP
    ...     train_supernet(network, images, sampler, recipe, rng, checkpoints, report=report)
    """

    def __init__(self, logs: Sequence[TrainingLog], recipe: TrainingRecipe, report: Callable[[Progress], None]) -> None:
        self._logs = logs
        self._recipe = recipe
        self._report = report

    def __call__(self, progress: Progress) -> None:
        """Write loss in nats, accuracy in percent, learning rate, and images per second."""
        values = {
            "loss": progress.loss,
            "accuracy": progress.accuracy,
            "learning rate": learning_rate_at(self._recipe, progress.step - 1),
            "images per second": progress.images_per_second,
        }
        for log in self._logs:
            log.write(progress.step, values)
        self._report(progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for log in self._logs:
            log.close()
