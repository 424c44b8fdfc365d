"""ImageFiles: images in files, each with a name and a class, and the settings of their use."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.setting_checks import check_between
from lissnas.supernet.images.decoding.augmentations import SPOS_AUGMENTATION, Augmentation

DeviceWork = Literal["nothing", "augmentation", "decoding"]
"""What the device that trains does with training images; decoding includes augmentation."""


class ImageFiles(Protocol):
    """Images in files, sorted by class, then by name.

    The names are bytes in an array, because the processes that decode share its memory; they would copy strings.
    """

    @property
    def names(self) -> NDArray[np.bytes_]:
        """Return the unique name of each image, shape (images,)."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the class of each image, shape (images,), from 0."""

    def where(self, place: int) -> str:
        """Return the path of an image for messages: one line, safe to print in a terminal."""

    def read(self, place: int) -> bytes:
        """Return the bytes of one image file; raise OSError if they cannot be read."""

    def take(self, places: NDArray[np.int64]) -> Self:
        """Return the images at some places, in the order of the places."""


@dataclass(frozen=True)
class ImageFileSettings:
    """How images from files are used.

    Attributes
    ----------
    augmentation
        How an image becomes the input of a network.
    classes
        Number of classes that the images must have. Not checked if left out.
    held_out_per_class
        Training images of each class that are held out of training; with 1,000 classes 50 make 50,000.
    hold_out_seed
        Seed of the draw of the held-out images.
    workers
        Processes that decode images, for each process that trains.
    max_unreadable
        Maximum number of unreadable images that a process skips. One more is an error.
    on_device
        What the device that trains does instead of the workers: "nothing"; "augmentation" of training images, with the
        same random numbers and, but for rounding, the same pixels; or "decoding" of their JPEG files as well, where
        torchvision can. It helps where workers are the bottleneck.
    """

    augmentation: Augmentation = field(default=SPOS_AUGMENTATION)
    classes: int | None = None
    held_out_per_class: int = 50
    hold_out_seed: int = 0
    workers: int = 8
    max_unreadable: int = 10
    on_device: DeviceWork = "nothing"

    def __post_init__(self) -> None:
        check_between(self, 1, inf, "classes", "held_out_per_class")
        check_between(self, 0, inf, "hold_out_seed", "workers", "max_unreadable")


def image_list_digest(images: ImageFiles) -> str:
    """Return the SHA-256 of all names and classes; the files are not read."""
    digest = hashlib.sha256()
    for name in images.names.tolist():
        digest.update(name + b"\n")
    digest.update(images.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def check_classes(
    where: object, train_classes: Iterable[str], validation_classes: Iterable[str], required: int | None
) -> None:
    """Check that training and validation images have the same classes, and the required number of them.

    Raises
    ------
    LissnasError
        If they do not. The message names the classes.
    """
    train, validation = set(train_classes), set(validation_classes)
    if train != validation:
        differences = [
            f"{_listed(classes)} only among the {part} images"
            for classes, part in ((train - validation, "training"), (validation - train, "validation"))
            if classes
        ]
        raise LissnasError(
            f"{where}: training and validation images have different classes: {'; '.join(differences)}; add the "
            "missing classes, or remove the extra ones"
        )
    if required is not None and len(train) != required:
        raise LissnasError(f"{where}: images of {len(train)} classes, not of {required}; add the missing classes")


def _listed(classes: set[str]) -> str:
    first = ", ".join(sorted(classes)[:5])
    return f"{first} and {len(classes) - 5} more" if len(classes) > 5 else first


def name_as_text(name: bytes) -> str:
    """Return the name of an image as text."""
    return os.fsdecode(name)
