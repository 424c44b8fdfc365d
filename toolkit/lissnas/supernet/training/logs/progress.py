"""Progress of a training: what the loop reports after each step."""

from collections import deque
from dataclasses import dataclass

from lissnas.spaces.space import Rows

_LAST_STEPS = 100
"""Number of steps over which the last loss and accuracy of a training are averaged."""


@dataclass(frozen=True)
class Progress:
    """Report of one training step.

    Attributes
    ----------
    step, steps
        The step that has just ended, from 1, and the number of steps.
    loss, accuracy
        Mean loss of the step's paths in nats, and the percentage of its training images that they classify correctly,
        both before their weights were updated.
    rows
        The paths of the step, shape (paths, genes).
    images_per_second
        Images per second over all processes since this run started or resumed. An image counts once, however many
        paths it goes through.
    seconds_left
        Remaining time at that speed.
    seconds
        Time since this run started or resumed.
    """

    step: int
    steps: int
    loss: float
    rows: Rows
    images_per_second: float
    seconds_left: float
    accuracy: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"step {self.step:,} of {self.steps:,}: loss {self.loss:.3f}, "
            f"{self.images_per_second:,.0f} images/s, {_duration(self.seconds_left)} left"
        )


class TrainingSummary:
    """A sentence about a training: its last losses and accuracies, its speed, and its time.

    Pass each `Progress` to `add`. Losses of single steps vary with the paths, so means are over the last steps.
    """

    def __init__(self) -> None:
        self._last: deque[Progress] = deque(maxlen=_LAST_STEPS)

    def add(self, progress: Progress) -> None:
        """Add a step."""
        self._last.append(progress)

    def __str__(self) -> str:
        count, last = len(self._last), self._last[-1]
        loss, accuracy = (sum(getattr(each, name) for each in self._last) / count for name in ("loss", "accuracy"))
        steps = "the last step" if count == 1 else f"the last {count} steps"
        return (
            f"{steps}: loss {loss:.3f}, {accuracy:.1f} % of the training images correct; "
            f"{last.images_per_second:,.0f} images/s, {_duration(last.seconds)}"
        )


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours}:{rest // 60:02}:{rest % 60:02}"


def print_progress(progress: Progress) -> None:
    """Print one line every hundred steps, and one after the last step."""
    if progress.step % 100 == 0 or progress.step == progress.steps:
        print(progress, flush=True)
