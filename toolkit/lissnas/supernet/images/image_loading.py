"""Decoding images in processes of their own: what comes out does not depend on how many there are.

Images that cannot be read are named and counted, and are passed over up to a limit. In training the next image of the
same class that can be read stands in for one of them.
"""

import atexit
import logging
import signal
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lissnas.errors import LissnasError
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.augmentations import Augmentation
from lissnas.supernet.images.image_decoding import UnreadableImageError, decoded
from lissnas.supernet.images.image_files import ImageFiles

if TYPE_CHECKING:
    from PIL.Image import Image

_LOG = logging.getLogger(__name__)

AugmentationSeed = tuple[int, int, int]
"""The seed of a run, a step, and a place in its batch: what decides how an image is augmented."""

LoadRequest = Sequence[tuple[int, AugmentationSeed | None]]
"""The places of images, and how each is augmented; None for one that is scored."""


class LoadedImages(NamedTuple):
    """Images that were loaded together.

    Attributes
    ----------
    images
        uint8 of shape (images, 3, size, size).
    labels
        int64 of shape (images,).
    places
        Which of the images wanted they are, int64 of shape (images,).
    unreadable
        Where images lie that cannot be read, with the reason.
    """

    images: Tensor
    labels: Tensor
    places: Tensor
    unreadable: dict[str, str]


class UnreadableImages:
    """What could not be read so far, by this process and those that decode for it.

    Parameters
    ----------
    most
        How many there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.met: dict[str, str] = {}

    def add(self, unreadable: dict[str, str]) -> None:
        """Take note of images; each is told of once. Raises LissnasError if there are too many by now."""
        for where, reason in unreadable.items():
            if where not in self.met:
                self.met[where] = reason
                _LOG.warning("%s: passed over (%s); %d so far", where, reason, len(self.met))
        if len(self.met) > self.most:
            listed = "; ".join(f"{where} ({reason})" for where, reason in self.met.items())
            raise LissnasError(
                f"{len(self.met)} images cannot be read, and at most {self.most} may be passed over: {listed}; mend "
                "them, or raise images.files.max_unreadable"
            )


def load(
    images: ImageFiles,
    augmentation: Augmentation,
    wanted: Iterable[LoadRequest],
    workers: int,
    unreadable: UnreadableImages,
) -> Iterator[LoadedImages]:
    """Load images, together what is wanted together, in that order.

    Parameters
    ----------
    wanted
        Is read ahead.
    workers
        Processes that decode; 0 for this one.
    unreadable
        Is told what could not be read.

    Raises
    ------
    LissnasError
        If too many images cannot be read.
    """
    loader = DataLoader(
        _Decoding(images, augmentation, unreadable.most),
        batch_sampler=wanted,  # type: ignore[arg-type]  # any iterable will do
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_ignore_signals,
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )
    running = [iter(loader)]
    # Workers ignore the signal by which they would be ended with the process: they are ended before.
    atexit.register(running.clear)
    try:
        while (loaded := next(running[0], None)) is not None:
            unreadable.add(loaded.unreadable)
            yield loaded
    finally:
        atexit.unregister(running.clear)
        running.clear()


class _Decoding(Dataset[Any]):
    """Decodes what is wanted together, in a worker."""

    def __init__(self, images: ImageFiles, augmentation: Augmentation, most: int) -> None:
        self._images = images
        self._augmentation = augmentation
        self._most = most

    def __getitems__(self, wanted: LoadRequest) -> LoadedImages:
        unreadable: dict[str, str] = {}
        size = self._augmentation.size
        pixels = torch.empty((len(wanted), 3, size, size), dtype=torch.uint8)
        done: list[int] = []
        for number, (place, draw) in enumerate(wanted):
            image = self._readable(place, unreadable, replaced=draw is not None)
            if image is None:
                continue
            pixels[len(done)] = self._for_scoring(image) if draw is None else self._augmented(image, draw)
            done.append(number)
        labels = self._images.labels[[wanted[number][0] for number in done]]
        return LoadedImages(pixels[: len(done)], torch.from_numpy(labels), torch.tensor(done), unreadable)

    def _readable(self, place: int, unreadable: dict[str, str], replaced: bool) -> "Image | None":
        """Return an image, or if it cannot be read and may be replaced, the next of its class that can; else None."""
        labels = self._images.labels
        begin, end = np.searchsorted(labels, labels[place] + np.arange(2)) if replaced else (place, place + 1)
        for further in range(end - begin):
            chosen = int(begin + (place - begin + further) % (end - begin))
            try:
                return decoded(self._images.read(chosen))
            except (UnreadableImageError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                unreadable[self._images.where(chosen)] = reason or type(error).__name__
                if len(unreadable) > self._most:
                    return None
        return None

    def _augmented(self, image: "Image", draw: AugmentationSeed) -> Tensor:
        seed = np.random.SeedSequence([TrainingStream.AUGMENTATION, *draw]).generate_state(1, np.uint64)[0]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(seed))
            return self._for_training(image)

    @cached_property
    def _for_training(self) -> Any:
        return self._augmentation.for_training()

    @cached_property
    def _for_scoring(self) -> Any:
        return self._augmentation.for_scoring()


def _as_it_is(loaded: Any) -> Any:
    return loaded


def _ignore_signals(_worker: int) -> None:
    """Leave signals to the process that trains: it writes a checkpoint first, for which it needs nobody killed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
