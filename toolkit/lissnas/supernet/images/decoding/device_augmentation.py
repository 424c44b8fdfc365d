"""AugmentedOnDevice: a batch of cropped images that is resized, jittered and flipped on the device that trains.

The results are those of `Augmentation.for_training` for the same draws. Resizing computes in integers, with the weights
of Pillow's `Resample.c`, and colors in float32, as Pillow's `Blend.c` does, so processors and GPUs have the same bits.
Pixels differ from Pillow's by rounding, by one level, where Pillow resizes rows before columns, and by more after
jitter has amplified that; from those of torchvision's resizing without antialias likewise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lissnas.supernet.images.decoding.augmentations import Augmentation, DrawnAugmentation

_BITS = 22
"""Number of binary digits after the point of a resizing weight: sums of weighted bytes then fit into 32 bits."""

_GRAY = (19595, 38470, 7471)
"""Shares of red, green and blue in Pillow's gray, times 2^16."""


class Crops(NamedTuple):
    """The crops of some images, one after the other, and what was drawn for them.

    Attributes
    ----------
    pixels
        uint8 of shape (pixels of all crops, 3): red, green, blue.
    boxes
        Height and width of each crop, int64 of shape (images, 2).
    kinds
        Which change of color comes first, second and third, int64 of shape (images, 3).
    factors
        The factors of these changes, float32 of shape (images, 3).
    flipped
        bool of shape (images,).
    lighting
        The color that is added to each image, float32 of shape (images, 3).
    """

    pixels: Tensor
    boxes: Tensor
    kinds: Tensor
    factors: Tensor
    flipped: Tensor
    lighting: Tensor


def pack(crops: Sequence[NDArray[np.uint8]], drawn: Sequence[DrawnAugmentation]) -> Crops:
    """Return the crops of some images in one batch."""
    jitter = np.array([each.jitter or [(0, 1.0)] * 3 for each in drawn], dtype=np.float64).reshape(-1, 3, 2)
    return Crops(
        torch.from_numpy(np.concatenate([each.reshape(-1, 3) for each in crops] or [np.zeros((0, 3), np.uint8)])),
        torch.tensor([each[2:4] for each in drawn], dtype=torch.int64).view(-1, 2),
        torch.from_numpy(jitter[..., 0].astype(np.int64)),
        torch.from_numpy(jitter[..., 1].astype(np.float32)),
        torch.tensor([each.flipped for each in drawn], dtype=torch.bool),
        torch.tensor([each.lighting for each in drawn], dtype=torch.float32).view(-1, 3),
    )


@dataclass(frozen=True)
class AugmentedOnDevice:
    """The images of a batch, as a tensor once they are on a device.

    Attributes
    ----------
    crops
        The crops, not yet resized.
    augmentation
        How they become the input of a network.
    """

    crops: Crops
    augmentation: Augmentation

    def to(self, device: torch.device, non_blocking: bool = False) -> Tensor:
        """Return the augmented images, uint8 of shape (images, 3, size, size), on a device.

        On a GPU the processor only starts the work. It waits for the copies unless they come from pinned memory and
        `non_blocking` is True.
        """
        largest = self.crops.boxes.amax(0).tolist()
        rows = int(self.crops.boxes[:, 0].sum())
        pixels, boxes, kinds, factors, flipped, lighting = (
            part.to(device, non_blocking=non_blocking) for part in self.crops
        )
        images = _resized(pixels, boxes, rows, largest, self.augmentation.size, self.augmentation.antialias)
        if self.augmentation.color_jitter:
            images = _jittered(images, kinds, factors)
        images = torch.where(flipped[:, None, None, None], images.flip(2), images)
        if self.augmentation.lighting_std:
            images = (images + lighting[:, None, None]).clamp_(0, 255).to(torch.uint8)
        return images.flip(3).permute(0, 3, 1, 2).contiguous()


def _resized(pixels: Tensor, boxes: Tensor, rows: int, largest: Sequence[int], size: int, antialias: bool) -> Tensor:
    """Return all crops with `size` rows and columns, uint8 of shape (images, size, size, 3).

    Each output pixel gathers its own input pixels, so that crops of different sizes need no padding.
    """
    heights, widths = boxes.unbind(1)
    image_of_row = torch.repeat_interleave(heights, output_size=rows)
    first_rows = heights.cumsum(0) - heights
    first_pixels = (heights * widths).cumsum(0) - heights * widths
    row = torch.arange(rows, device=pixels.device) - first_rows[image_of_row]
    starts = first_pixels[image_of_row] + row * widths[image_of_row]

    lowest, weights = _taps(widths, size, antialias, largest[1])
    of_rows = (weight[image_of_row][..., None] for weight in weights.unbind(2))
    narrow = _weighted_sums(pixels, starts[:, None] + lowest[image_of_row], of_rows)
    lowest, weights = _taps(heights, size, antialias, largest[0])
    of_columns = (weight[..., None, None] for weight in weights.unbind(2))
    return _weighted_sums(narrow, first_rows[:, None] + lowest, of_columns)


def _taps(lengths: Tensor, size: int, antialias: bool, longest: int) -> tuple[Tensor, Tensor]:
    """Return from which inputs, and with which weights, each output of a line is computed.

    Parameters
    ----------
    lengths
        Numbers of inputs of each image, shape (images,).
    size
        Number of outputs.
    antialias
        Whether a shorter line averages over all inputs.
    longest
        The largest of the lengths.

    Returns
    -------
    The first input, int64 of shape (images, size), and the weights of it and its successors times 2^22, int32 of shape
    (images, size, inputs).
    """
    scale = lengths.double()[:, None] / size
    center = (torch.arange(size, device=lengths.device).double() + 0.5) * scale
    reach = scale.clamp(min=1) if antialias else torch.ones_like(scale)
    count = 2 * int(np.ceil(max(longest / size, 1.0))) + 1 if antialias else 3
    lowest = (center - reach + 0.5).long().clamp_(min=0)
    beyond = torch.minimum((center + reach + 0.5).long(), lengths[:, None])
    inputs = lowest[..., None] + torch.arange(count, device=lengths.device)
    weights = (1 - ((inputs + 0.5 - center[..., None]) / reach[..., None]).abs()).clamp_(min=0)
    weights.masked_fill_(inputs >= beyond[..., None], 0)
    weights /= _sum_in_order(weights.unbind(2))[..., None]
    return lowest, (weights * 2**_BITS + 0.5).int()


def _weighted_sums(values: Tensor, first: Tensor, weights: Iterable[Tensor]) -> Tensor:
    """Return weighted sums of consecutive values, rounded to uint8.

    Parameters
    ----------
    values
        uint8 of shape (values, ...).
    first
        Place of the first value of each sum.
    weights
        Times 2^22: of the first value of each sum, of the second, and so on.
    """
    sums: Tensor | None = None
    for offset, weight in enumerate(weights):
        value = values[(first + offset).clamp_(max=len(values) - 1)].int()
        if sums is None:
            sums = torch.full_like(value, 1 << (_BITS - 1))
        sums.addcmul_(value, weight)
    assert sums is not None
    return (sums >> _BITS).clamp_(0, 255).to(torch.uint8)


def _jittered(images: Tensor, kinds: Tensor, factors: Tensor) -> Tensor:
    """Return images, uint8 of shape (images, size, size, 3), after three changes of color, each image in its order.

    Each change moves an image away from a paler one, or towards it: from black, from its mean gray, or from its gray
    copy.
    """
    for kind, factor in zip(kinds.T[..., None, None, None], factors.T[..., None, None, None], strict=True):
        gray = _sum_in_order([images[..., channel].int() * share for channel, share in enumerate(_GRAY)])
        gray = (gray + (1 << 15) >> 16)[..., None]
        pixels = gray[0].numel()
        mean = (2 * gray.sum((1, 2), keepdim=True) + pixels).div(2 * pixels, rounding_mode="floor")
        paler = torch.where(kind == 0, 0, torch.where(kind == 1, mean.int(), gray)).float()
        images = (paler + factor * (images - paler)).clamp_(0, 255).to(torch.uint8)
    return images


def _sum_in_order(terms: Sequence[Tensor]) -> Tensor:
    """Return the sum of some tensors, added one after the other on every device."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
