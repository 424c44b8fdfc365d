"""TensorBoardLog: loss, learning rate and speed of each training step, for TensorBoard."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from lissnas.errors import SettingError
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.progress import Progress
from lissnas.supernet.training.training_recipe import TrainingRecipe


class TensorBoardLog:
    """A ``report`` for `train_supernet` that writes every step to TensorBoard, then calls another report.

    Use it in a ``with``, which closes the file. A resumed run writes the steps after its checkpoint again; TensorBoard
    shows each step once.

    Parameters
    ----------
    folder
        Folder of the log, which the first step creates. Show it with ``tensorboard --logdir FOLDER``.
    recipe
        Gives the learning rate of each step.
    report
        Also called after every step.

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
        """Write the loss in nats, the learning rate, and the images per second."""
        if self._writer is None:  # opened here because only process 0 reports, and so only process 0 writes
            self._writer = self._open(str(self._folder), purge_step=progress.step)
        for name, value in (
            ("loss", progress.loss),
            ("learning rate", learning_rate_at(self._recipe, progress.step - 1)),
            ("images per second", progress.images_per_second),
        ):
            self._writer.add_scalar(name, value, progress.step)
        self._report(progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._writer is not None:
            self._writer.close()
