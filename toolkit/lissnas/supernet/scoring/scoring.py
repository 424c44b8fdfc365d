"""How the paths of a supernet are scored: on which images, and how batch norms get the statistics of each path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.process_group import ProcessGroup


@dataclass(frozen=True)
class Scoring:
    """The images that a path is scored with; the defaults are those of SPOS's released search, Guo et al., ECCV 2020.

    Attributes
    ----------
    recalibration_batches, recalibration_batch_size
        How many batches of how many training images give the batch norms of a path their statistics.
    batch_size
        How many held-out images are classified at once; it changes nothing but speed and memory.
    """

    recalibration_batches: int = 200
    recalibration_batch_size: int = 128
    batch_size: int = 200

    @property
    def identity(self) -> dict[str, int]:
        """Return what of it a score depends on."""
        return {
            "recalibration_batches": self.recalibration_batches,
            "recalibration_batch_size": self.recalibration_batch_size,
        }

    def __post_init__(self) -> None:
        if self.recalibration_batches < 0 or self.recalibration_batch_size < 2 or self.batch_size < 1:
            raise SettingError(
                f"recalibration_batches is {self.recalibration_batches}, recalibration_batch_size is "
                f"{self.recalibration_batch_size}, and batch_size is {self.batch_size}: give at least 0, 2 and 1"
            )

    def evaluator(self, network: Supernet, source: ImageSource, group: ProcessGroup | None = None) -> SupernetEvaluator:
        """Return what scores the paths of a supernet on the images that are held out.

        Raises SettingError if there are fewer training images than are asked for.
        """
        return SupernetEvaluator(
            network,
            source.recalibration(self.recalibration_batches, self.recalibration_batch_size),
            source.held_out(self.batch_size),
            group,
        )


@contextmanager
def use_ema_weights(network: Supernet, average: Mapping[str, Tensor] | None) -> Iterator[None]:
    """Give a supernet the moving average of its weights where there is one, and leave everything as it was.

    So are the statistics of its batch norms, which scoring overwrites.
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
