"""Progress of a training: what the loop reports after each step."""

from dataclasses import dataclass

from lissnas.spaces.space import Rows


@dataclass(frozen=True)
class Progress:
    """Report of one training step.

    Attributes
    ----------
    step, steps
        The step that has just ended, from 1, and the number of steps.
    loss
        Mean loss of the step's paths in nats, before their weights were updated.
    rows
        The paths of the step, shape (paths, genes).
    images_per_second
        Images per second over all processes since this run started or resumed. An image counts once, however many
        paths it goes through.
    seconds_left
        Remaining time at that speed.
    """

    step: int
    steps: int
    loss: float
    rows: Rows
    images_per_second: float
    seconds_left: float

    def __str__(self) -> str:
        hours, seconds = divmod(round(self.seconds_left), 3600)
        left = f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours}:{seconds // 60:02}:{seconds % 60:02}"
        return (
            f"step {self.step:,} of {self.steps:,}: loss {self.loss:.3f}, "
            f"{self.images_per_second:,.0f} images/s, {left} left"
        )


def print_progress(progress: Progress) -> None:
    """Print one line every hundred steps, and one after the last step."""
    if progress.step % 100 == 0 or progress.step == progress.steps:
        print(progress, flush=True)
