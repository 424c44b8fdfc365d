"""ImageFileSource: ImageNet, or images like it, from files; decoded and augmented while a network trains.

What paths are recalibrated and chosen by is decoded once; the official validation images each time that they are asked
for, which should be once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lissnas.errors import LissnasError, SettingError
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.augmentations import transforms
from lissnas.supernet.images.decoded_image_cache import DecodedImageCache
from lissnas.supernet.images.hold_out import hold_out
from lissnas.supernet.images.image_batches import LabeledBatch, TrainingImages, order
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, fingerprint
from lissnas.supernet.images.image_loading import LoadRequest, UnreadableImages, load


class ImageFileSource:
    """Images from files, as an ImageSource. Those of the training set that are held out are chosen once, in a file.

    Parameters
    ----------
    train, validation
        The official training and validation images.
    folder
        Beside the run, for what is kept: which images are held out, and the pixels of those that paths are scored on.
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
        held = hold_out(folder / "hold-out.json", train, settings.held_out_per_class, settings.hold_out_seed)
        self.classes = int(train.labels[-1]) + 1
        self.size = settings.augmentation.size
        self.unreadable = UnreadableImages(settings.max_unreadable)
        self._settings = settings
        self._folder = folder
        self._train = train.take(np.flatnonzero(~held))
        self._held_out = train.take(self._shuffled(np.flatnonzero(held)))
        self._validation = validation

    @cached_property
    def train(self) -> TrainingImages:
        return _Augmented(self._train, self._settings, self.unreadable)

    def recalibration(self, batches: int, batch: int) -> Iterable[Tensor]:
        images = batches * batch
        if images > len(self._train.labels):
            raise SettingError(
                f"{batches} batches of {batch} images to recalibrate by are more than the {len(self._train.labels)} "
                "training images: lower scoring.recalibration_batches"
            )
        chosen = self._shuffled(np.arange(len(self._train.labels)))[:images]
        return _Images(self._kept(self._train.take(chosen), batch))

    def held_out(self, batch: int) -> Iterable[LabeledBatch]:
        return self._kept(self._held_out, batch)

    def official_validation(self, batch: int) -> Iterable[LabeledBatch]:
        return _Scored(self._validation, self._settings, self.unreadable, batch)

    @property
    def official_validation_images(self) -> int:
        return len(self._validation.labels)

    def _kept(self, images: ImageFiles, batch: int) -> Iterable[LabeledBatch]:
        return DecodedImageCache(images, self._settings, self.unreadable, batch, self._folder)

    def _shuffled(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.random.default_rng([TrainingStream.SCORED_IMAGE_ORDER, self._settings.hold_out_seed]).permutation(
            places
        )


@dataclass(frozen=True)
class _Augmented:
    """Batches of training images: what is done to one at random comes from seed, step, and its place in the batch."""

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages

    @cached_property
    def description(self) -> str:
        return f"{len(self.images.labels)} images, {fingerprint(self.images)}, {self.settings.augmentation}"

    def steps(
        self, batch: int, pieces: int, mine: Sequence[int], seed: int, first: int
    ) -> Iterator[list[LabeledBatch]]:
        own = batch // pieces

        def wanted() -> Iterator[LoadRequest]:
            for step, places in zip(count(first), order(len(self.images.labels), batch, seed, first), strict=False):
                chosen = places.tolist()
                for piece in mine:
                    slots = range(piece * own, (piece + 1) * own)
                    yield [(chosen[slot], (seed, step, slot)) for slot in slots]

        loaded = load(self.images, self.settings.augmentation, wanted(), self.settings.workers, self.unreadable)
        while True:
            step_pieces = []
            for images, labels, _, unreadable in islice(loaded, len(mine)):
                if len(labels) < own:
                    raise LissnasError(f"no image can be read of the class of {next(iter(unreadable))}; mend some")
                step_pieces.append((images, labels))
            yield step_pieces


@dataclass(frozen=True)
class _Scored:
    """Images as they are scored, so many at once; those that cannot be read are missing."""

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages
    batch: int

    def __iter__(self) -> Iterator[LabeledBatch]:
        places = range(len(self.images.labels))
        wanted = ([(place, None) for place in places[begin : begin + self.batch]] for begin in places[:: self.batch])
        for images, labels, *_ in load(
            self.images, self.settings.augmentation, wanted, self.settings.workers, self.unreadable
        ):
            if len(labels):
                yield images, labels


@dataclass(frozen=True)
class _Images:
    """Pieces without their labels."""

    pieces: Iterable[LabeledBatch]

    def __iter__(self) -> Iterator[Tensor]:
        return (images for images, _ in self.pieces)
