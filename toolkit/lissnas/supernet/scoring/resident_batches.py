"""ResidentBatches: batches of images that are copied to a GPU once and stay there, if they fit."""

import logging
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

Batch = TypeVar("Batch", Tensor, tuple[Tensor, Tensor])

_LOG = logging.getLogger(__name__)


class ResidentBatches(Generic[Batch]):
    """Batches on a device. The first complete iteration copies them there; later ones copy nothing if they fit.

    The pixels of image files are bytes until they are used, so the 75,600 images that score a path of SPOS take 11.4
    GB.

    Parameters
    ----------
    batches
        Batches of images, or of images and labels; the same ones in every iteration.
    device
        Where they are yielded.
    limit
        Maximum number of bytes that stay on the device. By default half of a GPU's free memory at the first iteration,
        and 0 on a processor.
    """

    def __init__(self, batches: Iterable[Batch], device: torch.device, limit: int | None = None) -> None:
        self._batches: Iterable[Batch] = batches
        self._device = device
        self._limit = limit
        self._resident: list[Batch] | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches on the device, in their order."""
        if self._resident is not None:
            yield from self._resident
            return
        if self._limit is None:
            self._limit = torch.cuda.mem_get_info(self._device)[0] // 2 if self._device.type == "cuda" else 0
        left = self._limit
        resident: list[Batch] = []
        for batch in self._batches:
            moved = self._move(batch)
            left -= sum(each.nbytes for each in _tensors(moved))
            if left >= 0:
                resident.append(moved)
            elif resident:
                resident = []
                _LOG.info("the images for scoring do not fit in %d bytes of %s: they are copied again for each use",
                          self._limit, self._device)  # fmt: skip
            yield moved
        if left >= 0:
            self._resident = resident

    def _move(self, batch: Batch) -> Batch:
        if isinstance(batch, Tensor):
            return batch.to(self._device, non_blocking=True)
        images, labels = batch
        return images.to(self._device, non_blocking=True), labels.to(self._device, non_blocking=True)


def _tensors(batch: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    return (batch,) if isinstance(batch, Tensor) else batch
