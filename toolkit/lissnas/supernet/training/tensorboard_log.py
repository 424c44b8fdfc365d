"""A training's course for TensorBoard: its loss, its rate and its speed at each step."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from lissnas.errors import SettingError
from lissnas.supernet.training.training_loop import Progress
from lissnas.supernet.training.training_recipe import TrainingRecipe


class TensorBoardLog:
    """Writes what it is told of a training, and passes it on; a ``report`` of `train_paths`, to be used in a ``with``.

    A run that goes on after it was killed begins at its last checkpoint: what was written of later steps is
    superseded, so that TensorBoard shows each step once.

    Parameters
    ----------
    folder
        Of the events; made by the first step. TensorBoard shows them by ``tensorboard --logdir FOLDER``.
    recipe
        Tells the rate of each step.
    report
        Is told of every step as well.

    Raises
    ------
    SettingError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: Path, recipe: TrainingRecipe, report: Callable[[Progress], None]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise SettingError("logs for TensorBoard need it installed: pip install 'lissnas[tensorboard]'") from error
        self._open = SummaryWriter
        self._folder = folder
        self._recipe = recipe
        self._report = report
        self._writer: SummaryWriter | None = None

    def __call__(self, progress: Progress) -> None:
        """Write the loss in nats, the learning rate, and the images a second."""
        if self._writer is None:
            # Only the first process is told of steps, so it alone writes.
            self._writer = self._open(str(self._folder), purge_step=progress.step)
        for name, value in (
            ("loss", progress.loss),
            ("rate", self._recipe.rate_at(progress.step - 1)),
            ("images per second", progress.images_a_second),
        ):
            self._writer.add_scalar(name, value, progress.step)
        self._report(progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            self._writer.close()
