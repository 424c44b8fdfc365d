"""The stage `train`: trains the supernet in the full space."""

from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.stages.shrink import run_shrinking
from lissnas.supernet.stages.supernet_run import SupernetRun


def run_training(run: SupernetRun, images: ImageSource) -> float | None:
    """Train the supernet in the full space, and return the loss of the last step in nats.

    Returns None if an earlier call had finished the training.
    """
    losses: list[float] = []
    run_shrinking(run, images, 0, report_loss=losses.append)
    return losses[-1] if losses else None
