"""The images of each step of a training; those of step n are the same however often a run was stopped before."""

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
"""Images, shape (images, channels, height, width), and their classes, int64 of shape (images,).

The images are float32, or uint8 where they come from files: a network is given the same numbers as float32, which are
made of them where it is, as a quarter of the bytes is sooner there.
"""


class TrainingImages(Protocol):
    """Where the images of a training come from."""

    @property
    def description(self) -> str:
        """Return what tells one set of images from another: a run goes on with the images that it began with."""

    def steps(
        self, batch: int, pieces: int, mine: Sequence[int], seed: int, first: int
    ) -> Iterator[list[LabeledBatch]]:
        """Yield for each step, without end, the pieces of its batch that one process trains on.

        Parameters
        ----------
        batch, pieces
            Images a step, and into how many pieces of equal size they fall.
        mine
            The numbers of the pieces that are wanted.
        seed
            Together with the number of a step decides what its images are, and what is done to them at random.
        first
            The number of the first step to be yielded.
        """


def order(images: int, batch: int, seed: int, first: int) -> Iterator[Tensor]:
    """Yield the places of the images of each step, int64 of shape (batch,), without end.

    Each epoch has another order, and leaves out another rest.

    Raises
    ------
    SettingError
        If there are fewer images than a batch needs.
    """
    per_epoch = images // batch
    if not per_epoch:
        raise SettingError(f"a batch of {batch} images cannot be drawn from {images}: lower training.batch_size")
    epoch = -1
    for step in count(first):
        if epoch != step // per_epoch:
            epoch = step // per_epoch
            places = torch.from_numpy(
                np.random.default_rng([TrainingStream.IMAGE_ORDER, seed, epoch]).permutation(images)
            )
        begin = step % per_epoch * batch
        yield places[begin : begin + batch]


@dataclass(frozen=True)
class ImagesInMemory:
    """Images that fit into memory, as they are, in the order of `order`.

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
        """As TrainingImages.description: how many, and sums that other images will not have."""
        sums = self.images.double().sum().item(), (self.labels * torch.arange(len(self.labels))).sum().item()
        return f"{len(self.labels)} images, {sums[0]:.6f}, {sums[1]}"

    def steps(
        self, batch: int, pieces: int, mine: Sequence[int], seed: int, first: int
    ) -> Iterator[list[LabeledBatch]]:
        """As TrainingImages.steps; raises SettingError if there are fewer images than a batch needs."""
        for chosen in order(len(self.labels), batch, seed, first):
            places = chosen.view(pieces, -1)
            yield [(self.images[places[piece]], self.labels[places[piece]]) for piece in mine]

    def held_out(self, held: int, rng: np.random.Generator) -> tuple["ImagesInMemory", "ImagesInMemory"]:
        """Draw images to be held out of training; return the others, and them."""
        order = torch.from_numpy(rng.permutation(len(self.labels)))
        rest, kept = order[held:].sort().values, order[:held].sort().values
        return ImagesInMemory(self.images[rest], self.labels[rest]), ImagesInMemory(
            self.images[kept], self.labels[kept]
        )

    def split(self, size: int) -> list[LabeledBatch]:
        """Return all of them in their order, so many at once."""
        return list(zip(self.images.split(size), self.labels.split(size), strict=True))
