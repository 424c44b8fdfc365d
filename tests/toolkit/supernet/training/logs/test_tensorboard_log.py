"""TensorBoard shows every step of a training once, also of one that was stopped."""

import sys
from pathlib import Path

import pytest
import tiny_training as tiny
from lissnas.errors import SettingError
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.logs.tensorboard_log import TensorBoardLog
from lissnas.supernet.training.logs.training_log import LoggedReport

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_run_that_was_killed_and_goes_on_shows_each_step_once(tmp_path: Path) -> None:
    """It had written six steps, of which its checkpoint holds four."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    losses: dict[int, float] = {}

    class KilledError(Exception):
        pass

    def remember(progress: Progress) -> None:
        losses[progress.step] = progress.loss

    def kill(progress: Progress) -> None:
        if progress.step == 6:
            raise KilledError

    events = tmp_path / "events"
    with pytest.raises(KilledError), LoggedReport([TensorBoardLog(events)], tiny.RECIPE, kill) as log:
        tiny.train(tmp_path / "run", report=log)
    with LoggedReport([TensorBoardLog(events)], tiny.RECIPE, remember) as log:
        tiny.train(tmp_path / "run", report=log)
    assert list(losses) == list(range(5, 13))

    found = EventAccumulator(str(events)).Reload()
    steps = list(range(1, 13))
    assert [each.step for each in found.Scalars("loss")] == steps
    assert [each.value for each in found.Scalars("loss")][4:] == pytest.approx(list(losses.values()))
    assert [each.value for each in found.Scalars("learning rate")] == pytest.approx(
        [learning_rate_at(tiny.RECIPE, step - 1) for step in steps]
    )
    assert all(each.value > 0 for each in found.Scalars("images per second"))


def test_without_tensorboard_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(SettingError, match=r"pip install 'lissnas\[tensorboard\]'"):
        TensorBoardLog(tmp_path)
