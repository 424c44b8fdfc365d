"""WandbLog: each step of a training, for Weights & Biases."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lissnas.errors import SettingError


class WandbLog:
    """A `TrainingLog` in the format of Weights & Biases.

    It works offline: files are written below the folder, and ``wandb sync`` uploads them later. With
    ``WANDB_MODE=online`` it uploads at once. A resumed run has the same identifier and continues its curves.

    Parameters
    ----------
    folder
        Folder of the files.
    name
        Name of the training.
    settings
        Settings to show beside the curves.

    Raises
    ------
    SettingError
        If wandb is not installed.
    """

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as error:
            raise SettingError("logs for Weights & Biases need it installed: pip install wandb") from error
        self._wandb: Any = wandb
        self._folder, self._name, self._settings = folder, name, settings
        self._run: Any = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the measurements of a step."""
        if self._run is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            identifier = self._folder / f"{self._name}.id"
            known = identifier.read_text() if identifier.exists() else None
            self._run = self._wandb.init(
                project="lissnas",
                name=self._name,
                id=known,
                resume="allow",
                dir=str(self._folder),
                config=dict(self._settings),
                mode=os.environ.get("WANDB_MODE", "offline"),
            )
            identifier.write_text(self._run.id)
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        if self._run is not None:
            self._run.finish()
