"""DecodedImageCache: the images that score every path, decoded once into a file of pixels."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write, exclusive_access
from lissnas.supernet.images.decoding.image_loading import LoadRequest, UnreadableImages, load_images
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, image_list_digest

_DECODED_AT_ONCE = 64
"""Number of images in one request to the workers."""

_UNREADABLE = -1
"""Label of an image that could not be read."""

_DIGEST_BYTES = hashlib.sha256().digest_size
"""Length of the SHA-256 at the start of the file."""

_SETTLED_NS = 10**9
"""By how much a verification must be younger than its file to count: clocks of file systems are coarse."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedImageCache:
    """Images as they are scored, in batches; unreadable images are missing.

    The first iteration decodes the images into a file: the SHA-256 of the rest, one byte per pixel value, then the
    labels. At 224 x 224 pixels 50,000 images take 7.5 GB. Processes that start at the same time share the file. A
    damaged file is reported in a warning and written again. The first process verifies the SHA-256, and notes size and
    time of the file beside it, as `.verified`; as long as these are the same, no process reads the file again to verify
    it.

    Parameters
    ----------
    images, settings
        The images, and how they are decoded.
    unreadable
        Gets the images that cannot be read.
    batch_size
        Images per batch.
    folder
        Folder of the file, whose name depends on the images and their size.
    """

    images: ImageFiles
    settings: ImageFileSettings
    unreadable: UnreadableImages
    batch_size: int
    folder: Path

    def __iter__(self) -> Iterator[LabeledBatch]:
        """Yield batches; raise LissnasError if the file cannot be written, or too many images are unreadable."""
        pixels, labels = self._cached
        readable = np.flatnonzero(labels != _UNREADABLE)
        for begin in range(0, len(readable), self.batch_size):
            places = readable[begin : begin + self.batch_size]
            yield torch.from_numpy(pixels[places]), torch.from_numpy(labels[places])

    @cached_property
    def _cached(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Pixels, as a memory map, and labels of all images; the file is written or verified first."""
        size, count = self.settings.augmentation.size, len(self.images.labels)
        shape = size, self.settings.augmentation.shorter_side
        key = hashlib.sha256(f"{image_list_digest(self.images)} {shape}".encode()).hexdigest()
        path = self.folder / f"scored-{key[:16]}.pixels"
        with exclusive_access(path):
            if not _was_verified(path):
                if not _is_intact(path):
                    self._decode(path)
                _note_verification(path)
            pixels: NDArray[np.uint8] = np.memmap(path, np.uint8, "r", _DIGEST_BYTES, (count, 3, size, size))
            labels = np.fromfile(path, "<i8", offset=_DIGEST_BYTES + pixels.nbytes)
        missing = int((labels == _UNREADABLE).sum())
        if missing:
            _LOG.warning("%s: %d of %d images could not be read, and are missing", path, missing, count)
        return pixels, labels

    def _decode(self, path: Path) -> None:
        size, places = self.settings.augmentation.size, range(len(self.images.labels))
        chunks = [places[begin : begin + _DECODED_AT_ONCE] for begin in places[::_DECODED_AT_ONCE]]
        requests: Iterator[LoadRequest] = ([(place, None) for place in chunk] for chunk in chunks)
        loaded = load_images(self.images, self.settings.augmentation, requests, self.settings.workers, self.unreadable)
        labels = np.full(len(places), _UNREADABLE, dtype="<i8")
        digest = hashlib.sha256()
        try:
            for incomplete in self.folder.glob(f".{path.name}.*.part"):  # of a process that was killed
                incomplete.unlink()
            with atomic_write(path) as file:
                file.seek(_DIGEST_BYTES)
                for chunk, batch in zip(chunks, loaded, strict=True):
                    assert isinstance(batch.images, torch.Tensor)
                    pixels = np.zeros((len(chunk), 3, size, size), dtype=np.uint8)
                    pixels[batch.requested] = batch.images
                    labels[chunk.start + batch.requested.numpy()] = batch.labels
                    digest.update(pixels.data)
                    file.write(pixels.data)
                digest.update(labels.data)
                file.write(labels.data)
                file.seek(0)
                file.write(digest.digest())
        except OSError as error:
            raise LissnasError(
                f"{path}: cannot be written ({error.strerror}); it takes {len(places) * 3 * size**2:,} bytes: free "
                "disk space, or choose another folder"
            ) from error


def _state(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} bytes, changed at {status.st_mtime_ns} ns"


def _note_verification(path: Path) -> None:
    with suppress(OSError), atomic_write(path.with_suffix(".verified")) as file:  # without it a process verifies again
        file.write(_state(path).encode())


def _was_verified(path: Path) -> bool:
    """Return whether a file has not changed since a process verified it, well after it was written."""
    note = path.with_suffix(".verified")
    try:
        settled = note.stat().st_mtime_ns >= path.stat().st_mtime_ns + _SETTLED_NS
        return settled and note.read_text() == _state(path)
    except (OSError, ValueError):
        return False


def _is_intact(path: Path) -> bool:
    """Return whether a file exists and is intact; log a warning if it is damaged."""
    try:
        with path.open("rb") as file:
            intact = file.read(_DIGEST_BYTES) == hashlib.file_digest(file, "sha256").digest()
    except FileNotFoundError:
        return False
    except OSError as error:
        _LOG.warning("%s: cannot be read (%s); the images are decoded again", path, error.strerror)
        return False
    if not intact:
        _LOG.warning("%s: damaged (its SHA-256 is wrong); the images are decoded again", path)
    return intact
