"""Loading images in worker processes; the result does not depend on the number of workers.

Unreadable images are logged, counted, and skipped up to a limit. In training, the next readable image of the same class
replaces an unreadable one.
"""

import atexit
import logging
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from lissnas.errors import LissnasError
from lissnas.stop_signals import STOP_SIGNALS
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.decoding.augmentations import Augmentation, DrawnAugmentation
from lissnas.supernet.images.decoding.device_augmentation import Crops, pack
from lissnas.supernet.images.decoding.device_decoding import EncodedImages, JpegFile, file_or_image, pack_files
from lissnas.supernet.images.decoding.image_decoding import UnreadableImageError, decode_image
from lissnas.supernet.images.image_files import DeviceWork, ImageFiles

if TYPE_CHECKING:
    from PIL.Image import Image

_LOG = logging.getLogger(__name__)

AugmentationSeed = tuple[int, int, int]
"""The seed of a run, a step, and a place in its batch. They decide how an image is augmented."""

LoadRequest = Sequence[tuple[int, AugmentationSeed | None]]
"""A batch to load: the place of each image, and the seed of its augmentation, or None if the image is scored."""


class LoadedImages(NamedTuple):
    """A loaded batch.

    Attributes
    ----------
    images
        uint8 of shape (images, 3, size, size), or crops that a device augments, or files that it decodes as well.
    labels
        int64 of shape (images,).
    requested
        Number of each image in its request, int64 of shape (images,): unreadable images are missing.
    unreadable
        Path of each unreadable image, and the reason.
    """

    images: Tensor | Crops | EncodedImages
    labels: Tensor
    requested: Tensor
    unreadable: dict[str, str]


class UnreadableImages:
    """The unreadable images that this process and its workers have found.

    Parameters
    ----------
    max_count
        Maximum number of unreadable images.
    """

    def __init__(self, max_count: int) -> None:
        self.max_count = max_count
        self.reasons: dict[str, str] = {}

    def add(self, unreadable: dict[str, str]) -> None:
        """Log each new unreadable image once; raise LissnasError if there are more than the maximum."""
        for where, reason in unreadable.items():
            if where not in self.reasons:
                self.reasons[where] = reason
                _LOG.warning("%s: skipped (%s); %d unreadable images so far", where, reason, len(self.reasons))
        if len(self.reasons) > self.max_count:
            listed = "; ".join(f"{where} ({reason})" for where, reason in self.reasons.items())
            raise LissnasError(
                f"{len(self.reasons)} images cannot be read, and at most {self.max_count} may be skipped: {listed}; "
                "repair them, or raise images.files.max_unreadable"
            )


def load_images(
    images: ImageFiles,
    augmentation: Augmentation,
    requests: Iterable[LoadRequest],
    workers: int,
    unreadable: UnreadableImages,
    on_device: DeviceWork = "nothing",
) -> Iterator[LoadedImages]:
    """Yield the batch of each request, in order.

    Parameters
    ----------
    requests
        The batches to load. Some are taken ahead of time.
    workers
        Number of worker processes; with 0 this process decodes.
    unreadable
        Gets the images that cannot be read.
    on_device
        What the device does with training images, as in `ImageFileSettings`.

    Raises
    ------
    LissnasError
        If more images than allowed cannot be read, or shared memory is too small for the decoded images.
    """
    loader = DataLoader(
        _Decoding(images, augmentation, unreadable.max_count, on_device),
        batch_sampler=requests,  # type: ignore[arg-type]  # any iterable will do
        num_workers=workers,
        collate_fn=_shared,
        worker_init_fn=_ignore_signals,
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )
    others = set(active_children())
    with _shared_memory_errors():
        running: list[Any] = [iter(loader)]
    started = set(active_children()) - others
    # Workers ignore the signal that would end them when the interpreter exits, so they are ended before that.
    atexit.register(running.clear)
    try:
        while (loaded := _next(running[0])) is not None:
            unreadable.add(loaded.unreadable)
            yield loaded
    finally:
        atexit.unregister(running.clear)
        _end(running.pop(), started)


def _end(running: Any, started: Iterable[BaseProcess]) -> None:
    """End the workers of a loader; those that are stuck would keep this process from ending, and are killed."""
    if started:
        running._shutdown_workers()  # an error that is being raised keeps `running` alive, so nothing else calls it
    for worker in started:
        worker.kill()


def _next(loaded: Iterator[LoadedImages]) -> LoadedImages | None:
    """Return the next batch, or None at the end; raise LissnasError if shared memory is too small for it."""
    with _shared_memory_errors():
        return next(loaded, None)


@contextmanager
def _shared_memory_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, OSError) as error:
        if not any(words in str(error) for words in ("shared memory", "Bus error", "No space left on device")):
            raise
        raise LissnasError(
            "/dev/shm is too small for the decoded images of the worker processes: make it larger (docker run "
            "--shm-size=8g), or lower images.files.workers; with 0 workers no shared memory is needed"
        ) from error


class _Decoding(Dataset[Any]):
    """Decodes the images of a request, in a worker."""

    def __init__(
        self, images: ImageFiles, augmentation: Augmentation, max_unreadable: int, on_device: DeviceWork
    ) -> None:
        self._images = images
        self._augmentation = augmentation
        self._max_unreadable = max_unreadable
        self._on_device = on_device

    def __getitems__(self, request: LoadRequest) -> LoadedImages:
        unreadable: dict[str, str] = {}
        size = self._augmentation.size
        by_worker = self._on_device == "nothing"
        pixels = torch.empty((len(request) if by_worker else 0, 3, size, size), dtype=torch.uint8)
        files: list[bytes] = []
        crops: list[NDArray[np.uint8]] = []
        drawn: list[DrawnAugmentation] = []
        done: list[int] = []
        for number, (place, seed) in enumerate(request):
            image = self._readable_image(place, unreadable, replace=seed is not None)
            if image is None:
                continue
            if seed is None:
                pixels[len(done)] = self._for_scoring(image)
            elif by_worker:
                with _drawing_from(seed):
                    pixels[len(done)] = self._for_training(image)
            else:
                with _drawing_from(seed):
                    drawn.append(self._augmentation.draw(image.height, image.width))
                files.append(image.content if isinstance(image, JpegFile) else b"")
                if not isinstance(image, JpegFile):
                    top, left, height, width = drawn[-1][:4]
                    crops.append(np.asarray(image.crop((left, top, left + width, top + height))))  # black where outside
            done.append(number)
        labels = self._images.labels[[request[number][0] for number in done]]
        if by_worker:
            return LoadedImages(pixels[: len(done)], torch.from_numpy(labels), torch.tensor(done), unreadable)
        loaded = pack_files(files, crops, drawn) if self._on_device == "decoding" else pack(crops, drawn)
        return LoadedImages(loaded, torch.from_numpy(labels), torch.tensor(done), unreadable)

    def _readable_image(self, place: int, unreadable: dict[str, str], replace: bool) -> "Image | JpegFile | None":
        """Return an image, or its file if the device decodes it.

        If it is unreadable, return the next readable one of its class if `replace`, else None.
        """
        labels = self._images.labels
        decode = file_or_image if self._on_device == "decoding" else decode_image
        begin, end = np.searchsorted(labels, labels[place] + np.arange(2)) if replace else (place, place + 1)
        for offset in range(end - begin):
            candidate = int(begin + (place - begin + offset) % (end - begin))
            try:
                return decode(self._images.read(candidate))
            except (UnreadableImageError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                unreadable[self._images.where(candidate)] = reason or type(error).__name__
                if len(unreadable) > self._max_unreadable:
                    return None
        return None

    @cached_property
    def _for_training(self) -> Any:
        return self._augmentation.for_training()

    @cached_property
    def _for_scoring(self) -> Any:
        return self._augmentation.for_scoring()


@contextmanager
def _drawing_from(augmentation_seed: AugmentationSeed) -> Iterator[None]:
    """Seed torch's default generator inside the ``with`` for the augmentation of one image."""
    seed = np.random.SeedSequence([TrainingStream.AUGMENTATION, *augmentation_seed]).generate_state(1, np.uint64)[0]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))
        yield


def _shared(loaded: Any) -> Any:
    """Move the tensors of a batch to shared memory, in a worker.

    Otherwise a thread does this while it sends them. An error in that thread is lost, and the training waits forever.
    """
    if get_worker_info() is not None:
        for part in _tensors(loaded):
            part.share_memory_()
    return loaded


def _tensors(part: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples."""
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, tuple):
        for inner in part:
            yield from _tensors(inner)


def _ignore_signals(_worker: int) -> None:
    """Leave signals to the process that trains: it writes a checkpoint first, and needs its workers until then."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
