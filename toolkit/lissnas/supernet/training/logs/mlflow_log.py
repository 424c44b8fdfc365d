"""MlflowLog: each step of a training, for MLflow."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lissnas.errors import SettingError

_STEPS_PER_WRITE = 100
"""Number of steps that are written together, because a call of MLflow takes milliseconds."""


class MlflowLog:
    """A `TrainingLog` for MLflow.

    It works offline: the database is in the folder (``mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db``). The
    environment variable ``MLFLOW_TRACKING_URI`` names a server instead. A resumed training continues its run, and
    writes the steps after its checkpoint again.

    Parameters
    ----------
    folder
        Folder of the database.
    name
        Name of the training.
    settings
        Settings to show beside the curves.

    Raises
    ------
    SettingError
        If MLflow is not installed.
    """

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any]) -> None:
        try:
            import mlflow
        except ImportError as error:
            raise SettingError("logs for MLflow need it installed: pip install mlflow") from error
        self._mlflow: Any = mlflow
        self._folder, self._name, self._settings = folder, name, settings
        self._client: Any = None
        self._run = ""
        self._waiting: list[Any] = []
        self._steps = 0

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the measurements of a step."""
        if self._client is None:
            self._open()
        now = int(1000 * time.time())
        self._waiting += [self._mlflow.entities.Metric(name, value, now, step) for name, value in values.items()]
        self._steps += 1
        if self._steps % _STEPS_PER_WRITE == 0:
            self._flush()

    def close(self) -> None:
        """Write the last steps, and end the run."""
        if self._client is not None:
            self._flush()
            self._client.set_terminated(self._run)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self._folder.resolve() / 'mlflow.db'}"
        self._client = self._mlflow.MlflowClient(tracking_uri=place)
        identifier = self._folder / f"{self._name}.id"
        if identifier.exists():
            self._run = identifier.read_text()
            return
        experiment = self._client.get_experiment_by_name("lissnas")
        found = self._client.create_experiment("lissnas") if experiment is None else experiment.experiment_id
        self._run = self._client.create_run(found, run_name=self._name).info.run_id
        for key, value in self._settings.items():
            self._client.log_param(self._run, key, value)
        identifier.write_text(self._run)

    def _flush(self) -> None:
        if self._waiting:
            self._client.log_batch(self._run, metrics=self._waiting)
            self._waiting = []
