"""How the paths of a supernet are scored: on which images, with which weights, and with which journals."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from lissnas.setting_checks import check_at_least_one, check_between
from lissnas.supernet.images.image_batches import MovableImages, TrainingImages
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.process_group import ProcessGroup
from lissnas.supernet.training.training_recipe import TrainingRecipe

_RECALIBRATING_IMAGES = 1_000_000
"""Number of images that recalibrate the paths scored at once, counted for each path (our own choice)."""

_CLOSING_STEP = 1 << 40
"""Number of the step whose images are the first of a closing recalibration with augmentation: no training has as many
steps, so that no image is augmented as in the training."""


@dataclass(frozen=True)
class Scoring:
    """The images that score a path; the defaults are those of SPOS's released search, Guo et al., ECCV 2020.

    Attributes
    ----------
    recalibration_batches, recalibration_batch_size
        Number of batches, and of training images in each, that recalibrate the batch norms of a path.
    closing_batches
        Number of such batches that recalibrate a network after it was retrained. SPOS closes with 1,250 batches. 0
        keeps the statistics that training left in the first process; they depend on the number of processes.
    closing_augmentation
        Whether those images are augmented as in training, as in SPOS.
    batch_size
        Number of held-out images classified at once. It changes speed and memory, not the scores.
    """

    recalibration_batches: int = 200
    recalibration_batch_size: int = 128
    closing_batches: int = 1250
    closing_augmentation: bool = False
    batch_size: int = 200

    def __post_init__(self) -> None:
        check_between(self, 0, math.inf, "recalibration_batches", "closing_batches")
        check_between(self, 2, math.inf, "recalibration_batch_size")
        check_at_least_one(self, "batch_size")

    @property
    def identity(self) -> dict[str, int]:
        """The settings on which the scores of paths depend."""
        return {
            "recalibration_batches": self.recalibration_batches,
            "recalibration_batch_size": self.recalibration_batch_size,
        }

    @property
    def closing_identity(self) -> dict[str, int]:
        """The settings on which the accuracy of a retrained network depends."""
        return {
            "closing_batches": self.closing_batches,
            "closing_augmentation": self.closing_augmentation,
            "recalibration_batch_size": self.recalibration_batch_size,
        }

    @property
    def paths_at_once(self) -> int:
        """Number of paths that a process scores at once: those that a million images recalibrate, at most 1,000.

        A killed run scores them again. With SPOS's settings they are 39 of the 1,000 paths of its search.
        """
        images = self.recalibration_batches * self.recalibration_batch_size
        return min(max(1, _RECALIBRATING_IMAGES // max(1, images)), 1000)

    def closing(self, source: ImageSource, images: TrainingImages, seed: int) -> Iterable[Tensor | MovableImages]:
        """Return the batches that recalibrate a network after it was retrained; they can be read once.

        Parameters
        ----------
        source
            The images of the task.
        images
            The images that trained the network.
        seed
            Decides which images are drawn and how they are augmented.
        """
        batches, size = self.closing_batches, self.recalibration_batch_size
        if not self.closing_augmentation:
            return source.closing(batches, size)
        steps = islice(images.steps(size, 1, range(1), seed, _CLOSING_STEP), batches)
        return (pixels for [(pixels, _labels)] in steps)

    def evaluator(
        self,
        network: Supernet,
        source: ImageSource,
        group: ProcessGroup | None = None,
        report: Callable[[int], None] = lambda scored: None,
        training: TrainingRecipe | None = None,
    ) -> SupernetEvaluator:
        """Return an evaluator that scores the paths of a supernet on the held-out images of a source.

        `group` and `report` are those of `SupernetEvaluator`. It computes in the precision and the memory format of
        `training`; without it, in float32. Raises SettingError if recalibration needs more
        training images than there are.
        """
        return SupernetEvaluator(
            network,
            source.recalibration(self.recalibration_batches, self.recalibration_batch_size),
            source.held_out(self.batch_size),
            group,
            report,
            precision=training.precision if training else None,
            channels_last=bool(training and training.channels_last),
            paths_at_once=self.paths_at_once,
        )


@contextmanager
def use_ema_weights(network: Supernet, average: Mapping[str, Tensor] | None) -> Iterator[None]:
    """Replace the weights of a supernet by their moving average while the context lasts.

    On exit the supernet gets back its weights and its batch-norm statistics, which scoring overwrites; also if
    `average` is None.
    """
    before = {name: values.clone() for name, values in network.state_dict().items()}
    try:
        if average is not None:
            with torch.no_grad():
                for name, weights in network.named_parameters():
                    weights.copy_(average[name])
        yield
    finally:
        network.load_state_dict(before)


@contextmanager
def per_rank_journals(folder: Path, group: ProcessGroup) -> Iterator[Path]:
    """Yield a folder with the journals for this process: the originals in the first process, copies in all others.

    All processes then read the same earlier scores and request the same new ones, and only the first one writes.
    """
    barrier = torch.zeros(1, device=group.device)
    group.sum(barrier)
    if group.rank == 0:
        group.sum(barrier)
        yield folder
        return
    with TemporaryDirectory() as copies:
        for journal in folder.glob("*.jsonl"):
            copy(journal, copies)
        group.sum(barrier)
        yield Path(copies)
