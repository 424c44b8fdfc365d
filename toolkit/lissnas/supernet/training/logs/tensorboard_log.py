"""TensorBoardLog: each step of a training, for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

from lissnas.errors import SettingError


class TensorBoardLog:
    """A `TrainingLog` in TensorBoard's files.

    A resumed run writes the steps after its checkpoint again; TensorBoard shows each step once.

    Parameters
    ----------
    folder
        Folder of the log, which the first step creates. Show it with ``tensorboard --logdir FOLDER``.

    Raises
    ------
    SettingError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise SettingError("logs for TensorBoard need it installed: pip install 'lissnas[tensorboard]'") from error
        self._open = SummaryWriter
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the measurements of a step."""
        if self._writer is None:
            self._writer = self._open(str(self._folder), purge_step=step)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
