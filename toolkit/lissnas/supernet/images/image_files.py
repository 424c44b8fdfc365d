"""ImageFiles: images that lie on a disk, each with a name and a class, read one at a time."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.setting_checks import check_between
from lissnas.supernet.images.augmentations import SPOS_AUGMENTATION, Augmentation


class ImageFiles(Protocol):
    """Images in files, sorted by class, then by name.

    Names are bytes in an array: the processes that read share its memory, which they would not with strings.
    """

    @property
    def names(self) -> NDArray[np.bytes_]:
        """Return what tells each image from all others, shape (images,)."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the class of each, shape (images,), counted from 0."""

    def where(self, place: int) -> str:
        """Return where an image lies, for messages: one line that a terminal shows as it is."""

    def read(self, place: int) -> bytes:
        """Return the bytes of one image file; raises OSError where they cannot be read."""

    def take(self, places: NDArray[np.int64]) -> Self:
        """Return some of them, in the order asked for."""


@dataclass(frozen=True)
class ImageFileSettings:
    """How stored images are used.

    Attributes
    ----------
    augmentation
        What is done to images before a network sees them.
    classes
        How many classes there must be; as many as there are if left out.
    held_out_per_class
        Training images of each class that are held out of training; with 1,000 classes 50 make 50,000.
    hold_out_seed
        Seed of the draw of the images that are held out.
    workers
        Processes that decode images, for each process that trains.
    max_unreadable
        How many images that cannot be read a process passes over before it ends with an error.
    """

    augmentation: Augmentation = field(default=SPOS_AUGMENTATION)
    classes: int | None = None
    held_out_per_class: int = 50
    hold_out_seed: int = 0
    workers: int = 8
    max_unreadable: int = 10

    def __post_init__(self) -> None:
        check_between(self, 1, inf, "classes", "held_out_per_class")
        check_between(self, 0, inf, "hold_out_seed", "workers", "max_unreadable")


def fingerprint(images: ImageFiles) -> str:
    """Return the SHA-256 of all names and classes; what is in the files is not read for it."""
    digest = hashlib.sha256()
    for name in images.names.tolist():
        digest.update(name + b"\n")
    digest.update(images.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def check_classes(where: object, found: Iterable[str], others: Iterable[str], wanted: int | None) -> None:
    """Check that training and validation images are of the same classes, and that there are as many as there must be.

    Raises
    ------
    LissnasError
        If they are not; it names the classes.
    """
    train, validation = set(found), set(others)
    if train != validation:
        differences = [
            f"{_listed(classes)} only among the {part} images"
            for classes, part in ((train - validation, "training"), (validation - train, "validation"))
            if classes
        ]
        raise LissnasError(
            f"{where}: training and validation images are not of the same classes: {'; '.join(differences)}; complete "
            "what is missing, or remove what is too much"
        )
    if wanted is not None and len(train) != wanted:
        raise LissnasError(f"{where}: images of {len(train)} classes, not of {wanted}; complete what is missing")


def _listed(classes: set[str]) -> str:
    first = ", ".join(sorted(classes)[:5])
    return f"{first} and {len(classes) - 5} more" if len(classes) > 5 else first


def shown(name: bytes) -> str:
    """Return a name as text."""
    return os.fsdecode(name)
