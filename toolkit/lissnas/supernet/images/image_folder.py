"""Images from a tree with one folder per class, as torchvision's ImageFolder reads it."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError, one_line
from lissnas.supernet.images.decoding.image_decoding import EXTENSIONS
from lissnas.supernet.images.image_file_source import ImageFileSource
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, check_classes
from lissnas.supernet.images.image_source import ImageSource


def folder_source(train: Path, validation: Path, run_folder: Path, settings: ImageFileSettings) -> ImageSource:
    """Return the images of two trees, each with one folder per class, as `ImageSource`.

    Classes are numbered in the order of the folder names. Every file with the extension of an image counts, also in
    nested folders. Names that start with a dot are skipped.

    Parameters
    ----------
    train, validation
        The two trees.
    run_folder
        Folder of the run. It gets the list of held-out images.
    settings
        How the images are used.

    Raises
    ------
    LissnasError
        If there are no class folders, one of them is empty, or training and validation images have different classes;
        and as ImageFileSource.
    """
    return ImageFileSource(*list_folders(train, validation, settings.classes), run_folder, settings)


def list_folders(train: Path, validation: Path, classes: int | None = None) -> tuple[ImageFiles, ImageFiles]:
    """Return the training and the validation images of `folder_source`."""
    train_classes, validation_classes = _class_folders(train), _class_folders(validation)
    check_classes(f"{train} and {validation}", train_classes, validation_classes, classes)
    return _list_images(train, train_classes), _list_images(validation, validation_classes)


@dataclass(frozen=True)
class _FolderImages:
    """Image files below a folder; their names are relative paths."""

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
        with os.scandir(folder) as children:
            entries = [entry for entry in children if not entry.name.startswith(".")]
        classes = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        advice = "give a folder that contains one folder per class"
        raise LissnasError(f"{error.filename}: {error.strerror}; {_link_advice(error) or advice}") from error
    if not classes:
        loose = f", but {len(entries)} files: sort them into folders by class" if entries else ""
        raise LissnasError(f"{folder}: contains no folder{loose}; each class must have a folder")
    return classes


def _list_images(folder: Path, classes: list[str]) -> ImageFiles:
    try:
        files_by_class = [sorted(_image_files(os.path.join(folder, name), os.fsencode(name))) for name in classes]
    except OSError as error:
        raise LissnasError(
            f"{error.filename}: {error.strerror}; {_link_advice(error) or 'make it readable'}"
        ) from error
    empty = [name for name, files in zip(classes, files_by_class, strict=True) if not files]
    if empty:
        raise LissnasError(
            f"{folder / empty[0]}: contains no image, like {len(empty)} of {len(classes)} class folders; restore the "
            f"missing images (names must end in {', '.join(EXTENSIONS)})"
        )
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in files_by_class])
    return _FolderImages(folder, np.array([name for files in files_by_class for name in files]), labels)


def _link_advice(error: OSError) -> str:
    """Return what to do about a circular link; empty for other errors."""
    return "remove the link" if error.errno == errno.ELOOP else ""


def _image_files(folder: str, name: bytes) -> Iterator[bytes]:
    """Yield the names of all image files in a folder and in nested folders; each starts with the name of the folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            inner = name + b"/" + os.fsencode(entry.name)
            if entry.is_dir():
                yield from _image_files(entry.path, inner)
            elif entry.name.lower().endswith(EXTENSIONS):
                yield inner
