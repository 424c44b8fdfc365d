"""Images that every path is scored on: decoded once, kept as pixels in a file, read from there ever after."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.supernet.image_batches import Piece
from lissnas.supernet.image_loading import Unreadable, load
from lissnas.supernet.one_at_a_time import one_at_a_time
from lissnas.supernet.stored_images import StoredImages, StoredSettings, fingerprint
from lissnas.whole_file import whole_file

_TOGETHER = 64
"""Images that are decoded at once."""

_MISSING = -1
"""The class of an image that could not be read."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptImages:
    """Images as they are scored, so many at once; those that cannot be read are missing.

    The first time they are gone through, they are decoded into a file: a byte for every value, then the classes. At 224
    x 224 pixels 50,000 images take 7.5 GB. Processes that begin at once share it.

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

    images: StoredImages
    settings: StoredSettings
    unreadable: Unreadable
    batch: int
    folder: Path

    def __iter__(self) -> Iterator[Piece]:
        """Yield images and classes; raises LissnasError if the file cannot be written, or too many are unreadable."""
        size, count = self.settings.augmentation.size, len(self.images.labels)
        path = self._path()
        with one_at_a_time(path):
            if not path.exists():
                self._decode(path)
        pixels: NDArray[np.uint8] = np.memmap(path, np.uint8, "r", shape=(count, 3, size, size))
        labels = np.fromfile(path, "<i8", count, offset=pixels.nbytes)
        present = np.flatnonzero(labels != _MISSING)
        if len(present) < count:
            _LOG.warning("%s: %d of %d images could not be read, and are missing", path, count - len(present), count)
        for begin in range(0, len(present), self.batch):
            chosen = present[begin : begin + self.batch]
            yield torch.from_numpy(pixels[chosen]), torch.from_numpy(labels[chosen])

    def _path(self) -> Path:
        shape = self.settings.augmentation.size, self.settings.augmentation.shorter_side
        key = hashlib.sha256(f"{fingerprint(self.images)} {shape}".encode()).hexdigest()
        return self.folder / f"scored-{key[:16]}.pixels"

    def _decode(self, path: Path) -> None:
        size, places = self.settings.augmentation.size, range(len(self.images.labels))
        together = [places[begin : begin + _TOGETHER] for begin in places[::_TOGETHER]]
        wanted = ([(place, None) for place in each] for each in together)
        loaded = load(self.images, self.settings.augmentation, wanted, self.settings.workers, self.unreadable)
        labels = np.full(len(places), _MISSING, dtype="<i8")
        try:
            with whole_file(path) as file:
                for each, found in zip(together, loaded, strict=True):
                    pixels = np.zeros((len(each), 3, size, size), dtype=np.uint8)
                    pixels[found.places] = found.images
                    labels[each.start + found.places.numpy()] = found.labels
                    file.write(pixels.data)
                file.write(labels.data)
        except OSError as error:
            raise LissnasError(
                f"{path}: cannot be written ({error.strerror}); it takes {len(places) * 3 * size**2:,} bytes: make "
                "room, or choose another folder"
            ) from error
