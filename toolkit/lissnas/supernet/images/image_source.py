"""ImageSource: the images of a task by their use: training, choosing between paths, and one final evaluation."""

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
"""Number of classes of both small tasks."""


class ImageSource(Protocol):
    """The images of a task. Each method returns the same images every time."""

    @property
    def classes(self) -> int:
        """Return the number of classes; labels count from 0."""

    @property
    def channels(self) -> int:
        """Return the number of channels of an image."""

    @property
    def size(self) -> int:
        """Return height and width of an image in pixels."""

    @property
    def train(self) -> TrainingImages:
        """Return the images for training, augmented if the source augments."""

    @property
    def all_training(self) -> TrainingImages:
        """Return all training images, including the hold-out set, for a retraining."""

    def recalibration(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        """Return batches of training images without augmentation, for the recalibration of batch norms.

        Raises SettingError if there are fewer images.
        """

    def closing(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        """Return such batches for one pass over them after a retraining: their pixels are not stored.

        Raises SettingError if there are fewer images.
        """

    def held_out(self, batch_size: int) -> Iterable[LabeledBatch]:
        """Return batches of the hold-out set: the training images that `train` never yields."""

    def official_validation(self, batch_size: int) -> Iterable[LabeledBatch]:
        """Return batches of the official validation images. Use them once, when every choice has been made."""

    @property
    def official_validation_images(self) -> int:
        """Return the number of official validation images, unreadable ones included."""


def check_number_of_images(batches: int, batch_size: int, images: int, setting: str) -> None:
    """Raise SettingError if recalibration needs more training images than there are."""
    if batches * batch_size > images:
        raise SettingError(
            f"{batches} batches of {batch_size} images for recalibration are more than the {images} training images: "
            f"lower scoring.{setting}"
        )


def small_source(task: ImageTask) -> ImageSource:
    """Return the images of a small task as `ImageSource`, without augmentation.

    The validation images of the task are the hold-out set, and its test images are the official validation images.
    Pixels are standardized with mean and standard deviation over all training pixels.
    """
    mean, deviation = task.train.pixels.mean(dtype=np.float64), task.train.pixels.std(dtype=np.float64)

    def standardized(images: Images) -> ImagesInMemory:
        pixels = ((images.pixels - mean) / deviation).astype(np.float32)
        return ImagesInMemory(torch.from_numpy(pixels)[:, None], torch.from_numpy(images.labels))

    return _SmallSource(*(standardized(part) for part in (task.train, task.validation, task.test)))


@dataclass(frozen=True)
class _SmallSource:
    train: ImagesInMemory
    hold_out_set: ImagesInMemory
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

    @property
    def all_training(self) -> ImagesInMemory:
        parts = self.train, self.hold_out_set
        return ImagesInMemory(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))

    def recalibration(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        images = self.train.images
        check_number_of_images(batches, batch_size, len(images), "recalibration_batches")
        return images[: batches * batch_size].split(batch_size)

    def closing(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        images = self.train.images
        check_number_of_images(batches, batch_size, len(images), "closing_batches")
        return images[: batches * batch_size].split(batch_size) if batches else ()

    def held_out(self, batch_size: int) -> Iterable[LabeledBatch]:
        return self.hold_out_set.split(batch_size)

    def official_validation(self, batch_size: int) -> Iterable[LabeledBatch]:
        return self.official.split(batch_size)

    @property
    def official_validation_images(self) -> int:
        return len(self.official.labels)
