"""The images of a task by their use: to train on, to choose by, and to judge by once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.supernet.images.image_batches import ImagesInMemory, LabeledBatch, TrainingImages
from lissnas.supernet.images.small_tasks import Images, ImageTask

_CLASSES = 10
"""Of both small tasks."""


class ImageSource(Protocol):
    """The images of a task. What it yields more than once is the same each time."""

    @property
    def classes(self) -> int:
        """Return how many classes there are; labels count from 0."""

    @property
    def channels(self) -> int:
        """Return how many channels an image has."""

    @property
    def size(self) -> int:
        """Return height and width of an image in pixels."""

    @property
    def train(self) -> TrainingImages:
        """Return the images to train on, augmented if the source does that."""

    def recalibration(self, batches: int, batch: int) -> Iterable[Tensor]:
        """Return so many batches of training images as they are when they are scored, for the statistics of norms.

        Raises SettingError if there are fewer images.
        """

    def held_out(self, batch: int) -> Iterable[LabeledBatch]:
        """Return the images to choose by, so many at once: a part of the training set that `train` never yields."""

    def official_validation(self, batch: int) -> Iterable[LabeledBatch]:
        """Return the images to judge by, once, when everything has been chosen; so many at once."""

    @property
    def official_validation_images(self) -> int:
        """Return how many there are, with those that cannot be read."""


def small_source(task: ImageTask) -> ImageSource:
    """Return the images of a small task, not augmented, as `ImageSource`.

    What the task calls validation is held out; what it calls test stands for an official validation set. From every
    pixel the mean of all training pixels is subtracted; the rest is divided by their standard deviation.
    """
    mean, deviation = task.train.pixels.mean(dtype=np.float64), task.train.pixels.std(dtype=np.float64)

    def standardized(images: Images) -> ImagesInMemory:
        pixels = ((images.pixels - mean) / deviation).astype(np.float32)
        return ImagesInMemory(torch.from_numpy(pixels)[:, None], torch.from_numpy(images.labels))

    return _SmallSource(*(standardized(part) for part in (task.train, task.validation, task.test)))


@dataclass(frozen=True)
class _SmallSource:
    train: ImagesInMemory
    kept: ImagesInMemory
    official: ImagesInMemory

    @property
    def classes(self) -> int:
        return _CLASSES

    @property
    def channels(self) -> int:
        return self.train.images.shape[1]

    @property
    def size(self) -> int:
        return self.train.images.shape[2]

    def recalibration(self, batches: int, batch: int) -> Iterable[Tensor]:
        images = self.train.images
        if batches * batch > len(images):
            raise SettingError(
                f"{batches} batches of {batch} images to recalibrate by are more than the {len(images)} training "
                "images: lower scoring.recalibration_batches"
            )
        return images[: batches * batch].split(batch)

    def held_out(self, batch: int) -> Iterable[LabeledBatch]:
        return self.kept.split(batch)

    def official_validation(self, batch: int) -> Iterable[LabeledBatch]:
        return self.official.split(batch)

    @property
    def official_validation_images(self) -> int:
        return len(self.official.labels)
