"""The winner on its own: its network trained from new weights, and judged on the official validation images once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lissnas.space import Rows
from lissnas.supernet.image_source import ImageSource
from lissnas.supernet.path_training import Progress, print_progress
from lissnas.supernet.supernet import Supernet
from lissnas.supernet.supernet_recipe import SupernetRecipe

RETRAINED = "retrained.json"
"""The file of a folder of a retraining that holds the score."""


@dataclass(frozen=True)
class RetrainedScore:
    """What the official validation images say of a network trained on its own.

    Attributes
    ----------
    architecture
        The official string of the network in its space.
    top1, top5
        Which share of the images has its class first, and among the first five, in per cent.
    images
        How many images there are.
    """

    architecture: str
    top1: float
    top5: float
    images: int


def retrain(
    supernet: Supernet,
    row: Rows,
    source: ImageSource,
    recipe: SupernetRecipe,
    rng: np.random.Generator,
    folder: Path,
    *,
    batch: int = 200,
    device: str | None = None,
    save_every: int = 1000,
    kept: int = 3,
    report: Callable[[Progress], None] = print_progress,
) -> RetrainedScore:
    """Train one network of a supernet from new weights, and judge it.

    Its batch norms are judged with the statistics of training; the moving average of the weights, where the recipe asks
    for one, with statistics of its own, of one epoch of training images at most.

    Parameters
    ----------
    supernet
        Says what the network is made of; its weights are not used.
    row
        The architecture, shape (genes,).
    source
        Its training images train; its official validation images judge, when training has ended. A score that stands
        in the folder already is returned without looking at them again.
    recipe
        Of this training: see `SPOS_RETRAINING` and `ABS_RETRAINING`.
    rng
        Draws the weights and the seed of the run. On all processes it must be in the same state.
    folder
        Of the checkpoints and the score.
    batch
        How many images are judged at once.
    device, save_every, kept, report
        As in `train_paths`.

    Raises
    ------
    CheckpointError
        If the folder is that of another retraining.
    LissnasError
        Whatever `train_paths` raises.
    """
    raise NotImplementedError
