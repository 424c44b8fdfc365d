"""ImageFileSource: ImageNet, or similar images in files, decoded and augmented while a network trains.

The images that score paths and recalibrate batch norms are decoded once, into a cache. The official validation images
are decoded each time they are used, which should be once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lissnas.errors import LissnasError
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.decoded_image_cache import DecodedImageCache
from lissnas.supernet.images.decoding.augmentations import Augmentation, transforms
from lissnas.supernet.images.decoding.device_augmentation import AugmentedOnDevice, Crops
from lissnas.supernet.images.decoding.device_decoding import DecodedOnDevice, EncodedImages
from lissnas.supernet.images.decoding.image_loading import LoadRequest, UnreadableImages, load_images
from lissnas.supernet.images.hold_out import hold_out
from lissnas.supernet.images.image_batches import (
    LabeledBatch,
    MovableImages,
    TrainingBatch,
    TrainingImages,
    image_order,
)
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, image_list_digest
from lissnas.supernet.images.image_source import check_number_of_images


class ImageFileSource:
    """Images from files, as an ImageSource; the held-out training images are drawn once, and kept in a file.

    Parameters
    ----------
    train, validation
        The official training and validation images.
    folder
        Folder of the run. It gets the list of held-out images, and the cache of the images that score paths.
    settings
        How the images are used.

    Raises
    ------
    SettingError, LissnasError
        As `hold_out`; or if torchvision is missing.
    """

    channels = 3

    def __init__(self, train: ImageFiles, validation: ImageFiles, folder: Path, settings: ImageFileSettings) -> None:
        transforms()
        held_out = hold_out(folder / "hold-out.json", train, settings.held_out_per_class, settings.hold_out_seed)
        self.classes = int(train.labels[-1]) + 1
        self.size = settings.augmentation.size
        self.unreadable = UnreadableImages(settings.max_unreadable)
        self._settings = settings
        self._folder = folder
        self._all = train
        self._train = train.take(np.flatnonzero(~held_out))
        self._held_out = train.take(self._shuffled(np.flatnonzero(held_out)))
        self._validation = validation

    @cached_property
    def train(self) -> TrainingImages:
        return _AugmentedImages(self._train, self._settings, self.unreadable)

    @cached_property
    def all_training(self) -> TrainingImages:
        return _AugmentedImages(self._all, self._settings, self.unreadable)

    def recalibration(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        check_number_of_images(batches, batch_size, len(self._train.labels), "recalibration_batches")
        return _WithoutLabels(self._cached(self._first_shuffled(batches * batch_size), batch_size))

    def closing(self, batches: int, batch_size: int) -> Iterable[Tensor]:
        check_number_of_images(batches, batch_size, len(self._train.labels), "closing_batches")
        images = self._first_shuffled(batches * batch_size)
        return _WithoutLabels(_ScoredImages(images, self._settings, self.unreadable, batch_size))

    def held_out(self, batch_size: int) -> Iterable[LabeledBatch]:
        return self._cached(self._held_out, batch_size)

    def official_validation(self, batch_size: int) -> Iterable[LabeledBatch]:
        return _ScoredImages(self._validation, self._settings, self.unreadable, batch_size)

    @property
    def official_validation_images(self) -> int:
        return len(self._validation.labels)

    def _cached(self, images: ImageFiles, batch_size: int) -> Iterable[LabeledBatch]:
        return DecodedImageCache(images, self._settings, self.unreadable, batch_size, self._folder)

    def _first_shuffled(self, count: int) -> ImageFiles:
        return self._train.take(self._shuffled(np.arange(len(self._train.labels)))[:count])

    def _shuffled(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        key = [TrainingStream.SCORED_IMAGE_ORDER, self._settings.hold_out_seed]
        return np.random.default_rng(key).permutation(places)


@dataclass(frozen=True)
class _AugmentedImages:
    """Training images; seed, step and place in the batch decide the augmentation of an image."""

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages

    @cached_property
    def description(self) -> str:
        return f"{len(self.images.labels)} images, {image_list_digest(self.images)}, {self.settings.augmentation}"

    def steps(
        self, batch_size: int, micro_batches: int, own: Sequence[int], seed: int, first_step: int
    ) -> Iterator[list[TrainingBatch]]:
        size = batch_size // micro_batches

        def requests() -> Iterator[LoadRequest]:
            orders = image_order(len(self.images.labels), batch_size, seed, first_step)
            for step, places in zip(count(first_step), orders, strict=False):
                batch = places.tolist()
                for number in own:
                    slots = range(number * size, (number + 1) * size)
                    yield [(batch[slot], (seed, step, slot)) for slot in slots]

        augmentation, on_device = self.settings.augmentation, self.settings.on_device
        loaded = load_images(self.images, augmentation, requests(), self.settings.workers, self.unreadable, on_device)
        while True:
            step_batches: list[TrainingBatch] = []
            for images, labels, _, unreadable in islice(loaded, len(own)):
                if len(labels) < size:
                    raise LissnasError(
                        f"no image of the class of {next(iter(unreadable))} can be read; repair some of its images"
                    )
                step_batches.append((_movable(images, augmentation), labels))
            yield step_batches


def _movable(images: Tensor | Crops | EncodedImages, augmentation: Augmentation) -> Tensor | MovableImages:
    if isinstance(images, Tensor):
        return images
    if isinstance(images, Crops):
        return AugmentedOnDevice(images, augmentation)
    return DecodedOnDevice(images, augmentation)


@dataclass(frozen=True)
class _ScoredImages:
    """Images as they are scored, in batches; unreadable images are missing."""

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages
    batch_size: int

    def __iter__(self) -> Iterator[LabeledBatch]:
        places, size = range(len(self.images.labels)), self.batch_size
        requests = ([(place, None) for place in places[begin : begin + size]] for begin in places[::size])
        for images, labels, *_ in load_images(
            self.images, self.settings.augmentation, requests, self.settings.workers, self.unreadable
        ):
            if len(labels) and isinstance(images, Tensor):
                yield images, labels


@dataclass(frozen=True)
class _WithoutLabels:
    """Batches without their labels. Batch norms have no statistics of one image, so single images are left out."""

    batches: Iterable[LabeledBatch]

    def __iter__(self) -> Iterator[Tensor]:
        return (images for images, _ in self.batches if len(images) > 1)
