"""ImageNet from a tree of folders, one a class, as torchvision's ImageFolder reads it."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError, one_line
from lissnas.supernet.images.image_decoding import EXTENSIONS
from lissnas.supernet.images.image_file_source import ImageFileSource
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, check_classes
from lissnas.supernet.images.image_source import ImageSource


def folder_source(train: Path, validation: Path, beside: Path, settings: ImageFileSettings) -> ImageSource:
    """Return the images of two trees, in each a folder for every class, as `ImageSource`.

    Classes are numbered in the order of their folders' names. Files are images if their names end as such, in folders
    within the folder of a class too; names that begin with a dot are passed over.

    Parameters
    ----------
    train, validation
        The folders that hold those of the classes.
    beside
        The folder of the run, where the list of held-out images is kept.
    settings
        How the images are used.

    Raises
    ------
    LissnasError
        If there are no folders of classes, one is empty, or training and validation images are of other classes; and as
        ImageFileSource.
    """
    classes, others = _class_folders(train), _class_folders(validation)
    check_classes(f"{train} and {validation}", classes, others, settings.classes)
    return ImageFileSource(_listed(train, classes), _listed(validation, others), beside, settings)


@dataclass(frozen=True)
class _FolderImages:
    """Image files below a folder; their names are paths from there."""

    folder: Path
    names: NDArray[np.bytes_]
    labels: NDArray[np.int64]

    def where(self, place: int) -> str:
        return one_line(str(self.folder / os.fsdecode(self.names[place])))

    def read(self, place: int) -> bytes:
        return (self.folder / os.fsdecode(self.names[place])).read_bytes()

    def take(self, places: NDArray[np.int64]) -> "_FolderImages":
        return _FolderImages(self.folder, self.names[places], self.labels[places])


def _class_folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
        classes = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        advice = "give a folder that holds one folder for each class"
        raise LissnasError(f"{error.filename}: {error.strerror}; {_mended(error) or advice}") from error
    if not classes:
        loose = f", but {len(entries)} files: sort them into folders" if entries else ""
        raise LissnasError(f"{folder}: holds no folder of a class{loose}; each class must have one")
    return classes


def _listed(folder: Path, classes: list[str]) -> ImageFiles:
    try:
        found = [sorted(_files(os.path.join(folder, name), os.fsencode(name))) for name in classes]
    except OSError as error:
        raise LissnasError(f"{error.filename}: {error.strerror}; {_mended(error) or 'make it readable'}") from error
    empty = [name for name, files in zip(classes, found, strict=True) if not files]
    if empty:
        raise LissnasError(
            f"{folder / empty[0]}: no image, as in {len(empty)} of {len(classes)} folders of classes; put back what "
            f"is missing (names must end in {', '.join(EXTENSIONS)})"
        )
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in found])
    return _FolderImages(folder, np.array([name for files in found for name in files]), labels)


def _mended(error: OSError) -> str:
    """Say what to do about a link that leads nowhere but round in a circle; nothing of other errors."""
    return "remove the link" if error.errno == errno.ELOOP else ""


def _files(folder: str, name: bytes) -> Iterator[bytes]:
    """Yield the names of all image files in a folder and those within, beginning with its own name."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            inner = name + b"/" + os.fsencode(entry.name)
            if entry.is_dir():
                yield from _files(entry.path, inner)
            elif entry.name.lower().endswith(EXTENSIONS):
                yield inner
