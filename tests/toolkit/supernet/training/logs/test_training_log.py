"""Every step of a training reaches its logs, with its accuracy; trackers work offline, and a missing one is named."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.errors import SettingError
from lissnas.supernet.networks.weights import set_dropout
from lissnas.supernet.training.gradients import accumulate_gradients
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.mlflow_log import MlflowLog
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.logs.training_log import LoggedReport
from lissnas.supernet.training.logs.wandb_log import WandbLog


class _Remembered:
    """A log that keeps what it gets."""

    def __init__(self) -> None:
        self.steps: dict[int, Mapping[str, float]] = {}
        self.closed = False

    def write(self, step: int, values: Mapping[str, float]) -> None:
        self.steps[step] = values

    def close(self) -> None:
        self.closed = True


def test_a_log_gets_the_measurements_of_each_step(tmp_path: Path) -> None:
    log = _Remembered()
    reported: list[Progress] = []
    with LoggedReport([log], tiny.RECIPE, reported.append) as report:
        tiny.train(tmp_path, report=report)
        assert not log.closed
    assert log.closed
    assert list(log.steps) == list(range(1, 13))
    assert log.steps[5]["learning rate"] == learning_rate_at(tiny.RECIPE, 4)
    assert [values["loss"] for values in log.steps.values()] == [progress.loss for progress in reported]
    assert all(0 <= values["accuracy"] <= 100 for values in log.steps.values())


def test_the_accuracy_of_a_step_is_that_of_its_paths_on_its_images() -> None:
    network = tiny.smooth_network()
    set_dropout(network, 0.0)
    images, labels = tiny.digits().images[:48], tiny.digits().labels[:48]
    paths = np.array([[0, 0, 0], [1, 2, 1]], dtype=np.uint8)
    micro_batches = list(zip(images.split(16), labels.split(16), strict=True))
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    measured = accumulate_gradients(network.train(), paths, micro_batches, 3.0, tiny.RECIPE, scaler, (0, 0, 0))
    with torch.no_grad():
        for path, accuracy in zip(paths.tolist(), measured[1].tolist(), strict=True):
            right = [(network(one, path).argmax(1) == classes).sum().item() for one, classes in micro_batches]
            assert accuracy == pytest.approx(sum(right) / 48)


def _values(step: int) -> dict[str, float]:
    return {"loss": 1 / step, "images per second": 100.0}


@pytest.mark.filterwarnings("ignore")
def test_mlflow_keeps_the_steps_of_a_resumed_training_in_one_run(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    for steps in ((1, 2), (3,)):
        log = MlflowLog(tmp_path, "training-0", {"steps": 3})
        for step in steps:
            log.write(step, _values(step))
        log.close()
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    [run] = client.search_runs([client.get_experiment_by_name("lissnas").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(step, 1 / step) for step in (1, 2, 3)]
    assert run.data.params == {"steps": "3"}


@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_writes_files_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for step in (1, 2):
        log = WandbLog(tmp_path, "training-0", {"steps": 2})
        log.write(step, _values(step))
        log.close()
    runs = list((tmp_path / "wandb").glob("offline-run-*"))
    identifier = (tmp_path / "training-0.id").read_text()
    assert runs
    assert all(run.name.endswith(identifier) for run in runs)


@pytest.mark.parametrize(("kind", "package"), [(WandbLog, "wandb"), (MlflowLog, "mlflow")])
def test_a_missing_tracker_is_named(
    kind: type[WandbLog] | type[MlflowLog], package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingError, match=f"pip install {package}"):
        kind(tmp_path, "training-0", {})
