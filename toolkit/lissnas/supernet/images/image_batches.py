"""The images of each training step. They depend on the seed and the step alone, so a resumed run sees the same ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.storage.random_streams import TrainingStream

LabeledBatch = tuple[Tensor, Tensor]
"""Images of shape (images, channels, height, width), and their classes, int64 of shape (images,).

The images are float32, or uint8 if they come from files: uint8 moves to a GPU in a quarter of the time, and becomes
float32 there. The values are the same.
"""


class MovableImages(Protocol):
    """Images that become a tensor on the device that trains."""

    def to(self, device: torch.device, non_blocking: bool = False) -> Tensor:
        """Return the images of a `LabeledBatch` on a device."""


TrainingBatch = tuple[Tensor | MovableImages, Tensor]
"""Images as in a `LabeledBatch`, or on their way to that, and their classes."""


class TrainingImages(Protocol):
    """The images of a training, step by step."""

    @property
    def description(self) -> str:
        """Return a description that differs for other images: a run resumes only with the images it started with."""

    def steps(
        self, batch_size: int, micro_batches: int, own: Sequence[int], seed: int, first_step: int
    ) -> Iterator[Sequence[TrainingBatch]]:
        """Yield for each step, without end, the micro-batches on which one process trains.

        Parameters
        ----------
        batch_size, micro_batches
            Images per step, and the number of equal micro-batches into which they are divided.
        own
            Numbers of the micro-batches of this process.
        seed
            Decides, with the number of a step, its images and their augmentation.
        first_step
            Number of the first step.
        """


def image_order(images: int, batch_size: int, seed: int, first_step: int) -> Iterator[Tensor]:
    """Yield the places of the images of each step, int64 of shape (batch_size,), without end.

    Each epoch has its own order, and leaves out the images that do not fill a batch.

    Raises
    ------
    SettingError
        If a batch needs more images than there are.
    """
    per_epoch = images // batch_size
    if not per_epoch:
        raise SettingError(
            f"a batch of {batch_size} images cannot be drawn from {images} images: lower training.batch_size"
        )
    epoch = -1
    for step in count(first_step):
        if epoch != step // per_epoch:
            epoch = step // per_epoch
            places = torch.from_numpy(
                np.random.default_rng([TrainingStream.IMAGE_ORDER, seed, epoch]).permutation(images)
            )
        begin = step % per_epoch * batch_size
        yield places[begin : begin + batch_size]


@dataclass(frozen=True)
class ImagesInMemory:
    """Images that fit into memory, as `TrainingImages` without augmentation.

    Attributes
    ----------
    images
        float32 of shape (images, channels, height, width).
    labels
        int64 of shape (images,).
    """

    images: Tensor
    labels: Tensor

    @property
    def description(self) -> str:
        """Return the number of images, and sums that other images do not have."""
        sums = self.images.double().sum().item(), (self.labels * torch.arange(len(self.labels))).sum().item()
        return f"{len(self.labels)} images, {sums[0]:.6f}, {sums[1]}"

    def steps(
        self, batch_size: int, micro_batches: int, own: Sequence[int], seed: int, first_step: int
    ) -> Iterator[list[LabeledBatch]]:
        """Yield the micro-batches of each step; raise SettingError if a batch needs more images than there are."""
        for batch in image_order(len(self.labels), batch_size, seed, first_step):
            places = batch.view(micro_batches, -1)
            yield [(self.images[places[number]], self.labels[places[number]]) for number in own]

    def hold_out(self, images: int, rng: np.random.Generator) -> tuple["ImagesInMemory", "ImagesInMemory"]:
        """Draw images that are held out of training; return the remaining images, and those."""
        order = torch.from_numpy(rng.permutation(len(self.labels)))
        remaining, held_out = order[images:].sort().values, order[:images].sort().values
        return ImagesInMemory(self.images[remaining], self.labels[remaining]), ImagesInMemory(
            self.images[held_out], self.labels[held_out]
        )

    def split(self, batch_size: int) -> list[LabeledBatch]:
        """Return all images in their order, in batches."""
        return list(zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True))
