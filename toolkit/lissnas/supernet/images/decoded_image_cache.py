"""Images that every path is scored on: decoded once, kept as pixels in a file, read from there ever after."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write, exclusive_access
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, fingerprint
from lissnas.supernet.images.image_loading import UnreadableImages, load

_TOGETHER = 64
"""Images that are decoded at once."""

_MISSING = -1
"""The class of an image that could not be read."""

_CHECKSUM = hashlib.sha256().digest_size
"""Bytes at the beginning of the file: the SHA-256 of all that follows."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedImageCache:
    """Images as they are scored, so many at once; those that cannot be read are missing.

    The first time they are gone through, they are decoded into a file: a SHA-256, a byte for every value, then the
    classes. At 224 x 224 pixels 50,000 images take 7.5 GB. Processes that begin at once share it. A file that is not as
    it was written is told of, and made anew.

    Parameters
    ----------
    images, settings
        What is scored, and how it is decoded.
    unreadable
        Is told what could not be read.
    batch
        How many at once.
    folder
        Of the file, whose name tells the images and their size.
    """

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages
    batch: int
    folder: Path

    def __iter__(self) -> Iterator[LabeledBatch]:
        """Yield images and classes; raises LissnasError if the file cannot be written, or too many are unreadable."""
        pixels, labels = self._opened
        present = np.flatnonzero(labels != _MISSING)
        for begin in range(0, len(present), self.batch):
            chosen = present[begin : begin + self.batch]
            yield torch.from_numpy(pixels[chosen]), torch.from_numpy(labels[chosen])

    @cached_property
    def _opened(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All pixels, on the disk, and all classes; the file is made or checked for that."""
        size, count = self.settings.augmentation.size, len(self.images.labels)
        shape = size, self.settings.augmentation.shorter_side
        key = hashlib.sha256(f"{fingerprint(self.images)} {shape}".encode()).hexdigest()
        path = self.folder / f"scored-{key[:16]}.pixels"
        with exclusive_access(path):
            if not _is_whole(path):
                self._decode(path)
            pixels: NDArray[np.uint8] = np.memmap(path, np.uint8, "r", _CHECKSUM, (count, 3, size, size))
            labels = np.fromfile(path, "<i8", offset=_CHECKSUM + pixels.nbytes)
        missing = int((labels == _MISSING).sum())
        if missing:
            _LOG.warning("%s: %d of %d images could not be read, and are missing", path, missing, count)
        return pixels, labels

    def _decode(self, path: Path) -> None:
        size, places = self.settings.augmentation.size, range(len(self.images.labels))
        together = [places[begin : begin + _TOGETHER] for begin in places[::_TOGETHER]]
        wanted = ([(place, None) for place in each] for each in together)
        loaded = load(self.images, self.settings.augmentation, wanted, self.settings.workers, self.unreadable)
        labels = np.full(len(places), _MISSING, dtype="<i8")
        digest = hashlib.sha256()
        try:
            for left in self.folder.glob(f".{path.name}.*.part"):  # by a process that was killed
                left.unlink()
            with atomic_write(path) as file:
                file.seek(_CHECKSUM)
                for each, found in zip(together, loaded, strict=True):
                    pixels = np.zeros((len(each), 3, size, size), dtype=np.uint8)
                    pixels[found.places] = found.images
                    labels[each.start + found.places.numpy()] = found.labels
                    digest.update(pixels.data)
                    file.write(pixels.data)
                digest.update(labels.data)
                file.write(labels.data)
                file.seek(0)
                file.write(digest.digest())
        except OSError as error:
            raise LissnasError(
                f"{path}: cannot be written ({error.strerror}); it takes {len(places) * 3 * size**2:,} bytes: make "
                "room, or choose another folder"
            ) from error


def _is_whole(path: Path) -> bool:
    """Tell whether a file is there and holds what was written; a warning says so where it does not."""
    try:
        with path.open("rb") as file:
            whole = file.read(_CHECKSUM) == hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return False
    except OSError as error:
        _LOG.warning("%s: cannot be read (%s); the images are decoded again", path, error.strerror)
        return False
    if not whole:
        _LOG.warning("%s: damaged (another SHA-256 than it says); the images are decoded again", path)
    return whole
