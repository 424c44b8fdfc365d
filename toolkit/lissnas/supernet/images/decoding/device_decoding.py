"""DecodedOnDevice: a batch of JPEG files that the device decodes, crops and augments: nvJPEG of torchvision on GPUs.

nvJPEG rounds differently from the decoder of Pillow, so pixels differ by some levels. Files that are no JPEG, or that a
worker does not trust, are decoded by the worker.
"""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from lissnas.errors import LissnasError
from lissnas.supernet.images.decoding.augmentations import Augmentation, DrawnAugmentation, transforms
from lissnas.supernet.images.decoding.device_augmentation import AugmentedOnDevice, Crops, pack
from lissnas.supernet.images.decoding.image_decoding import UnreadableImageError, decode_image

if TYPE_CHECKING:
    from PIL.Image import Image

_LOG = logging.getLogger(__name__)


class EncodedImages(NamedTuple):
    """Image files with what was drawn for them.

    Attributes
    ----------
    files
        The JPEG files, one after the other, uint8 of shape (bytes,).
    sizes
        Length of each file, int64 of shape (images,); 0 if the worker decoded the image.
    corners
        Top and left of each crop, int64 of shape (images, 2).
    crops
        The crops; their pixels are only those of the images that the worker decoded.
    """

    files: Tensor
    sizes: Tensor
    corners: Tensor
    crops: Crops


class JpegFile(NamedTuple):
    """The content of a JPEG file that a device can decode, and its height and width."""

    content: bytes
    height: int
    width: int


def pack_files(
    files: Sequence[bytes], crops: Sequence[NDArray[np.uint8]], drawn: Sequence[DrawnAugmentation]
) -> EncodedImages:
    """Return the files of some images in one batch; empty ones are those whose crops a worker decoded."""
    content = np.frombuffer(b"".join(files), np.uint8).copy()
    sizes = torch.tensor([len(file) for file in files], dtype=torch.int64)
    corners = torch.tensor([each[:2] for each in drawn], dtype=torch.int64).view(-1, 2)
    return EncodedImages(torch.from_numpy(content), sizes, corners, pack(crops, drawn))


@cache
def _warn_once(device: torch.device, reason: str) -> None:
    _LOG.warning("torchvision does not decode JPEG files on %s (%s); Pillow does, on one core", device, reason)


def file_or_image(content: bytes) -> "JpegFile | Image":
    """Return a file that a device can decode as it is, and any other one decoded; raises as `decode_image` does."""
    shape = _jpeg_shape(content)
    return decode_image(content) if shape is None else JpegFile(content, *shape)


@dataclass(frozen=True)
class DecodedOnDevice:
    """The images of a batch, as a tensor once they are on a device.

    Attributes
    ----------
    encoded
        The files.
    augmentation
        How they become the input of a network.
    """

    encoded: EncodedImages
    augmentation: Augmentation

    def to(self, device: torch.device, non_blocking: bool = False) -> Tensor:
        """Return the augmented images, uint8 of shape (images, 3, size, size), on a device.

        Raises LissnasError if a file cannot be decoded.
        """
        files, sizes, corners, crops = self.encoded
        lengths, boxes = sizes.tolist(), crops.boxes.tolist()
        decoded = iter(decode_jpegs([file for file in files.split(lengths) if len(file)], device))
        areas = [0 if length else height * width for length, (height, width) in zip(lengths, boxes, strict=True)]
        pixels = crops.pixels.to(device, non_blocking=non_blocking).split(areas)
        parts = [
            _crop(next(decoded), top, left, height, width) if length else part
            for length, part, (top, left), (height, width) in zip(lengths, pixels, corners.tolist(), boxes, strict=True)
        ]
        return AugmentedOnDevice(crops._replace(pixels=torch.cat(parts)), self.augmentation).to(device, non_blocking)


def decode_jpegs(files: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Return the RGB pixels of JPEG files on a device, each uint8 of shape (3, height, width).

    If this torchvision cannot decode on the device, Pillow decodes on the processor, and a warning says so.

    Raises
    ------
    LissnasError
        If a file cannot be decoded.
    """
    if not files:
        return []
    try:
        transforms()
        from torchvision.io import ImageReadMode, decode_jpeg

        decoded: list[Tensor] = decode_jpeg(list(files), mode=ImageReadMode.RGB, device=device)
        return decoded
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ImportError) as error:
        _warn_once(device, str(error).partition("\n")[0])
    try:
        images = [np.array(decode_image(file.numpy().tobytes())) for file in files]
    except UnreadableImageError as error:
        raise LissnasError(
            f"an image cannot be decoded ({error}): set images.files.on_device to augmentation, which skips it"
        ) from error
    return [torch.from_numpy(image).permute(2, 0, 1).to(device) for image in images]


def _jpeg_shape(content: bytes) -> tuple[int, int] | None:
    """Return height and width of a JPEG file that a device can decode; None for any other file.

    It has gray or RGB pixels, a safe number of them, and it ends as a complete file does.
    """
    from PIL import Image

    if not (content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")):
        return None
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            safe = image.width * image.height <= (Image.MAX_IMAGE_PIXELS or 0)
            return (image.height, image.width) if safe and image.mode in ("RGB", "L") else None
    except Exception:  # decoders raise any kind of error on damaged files, and the worker will name it
        return None


def _crop(image: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Return the pixels of a crop, shape (height * width, 3); what is outside of the image is black."""
    inside = image[:, max(top, 0) : top + height, max(left, 0) : left + width]
    above, before = max(-top, 0), max(-left, 0)
    beyond = (before, width - before - inside.shape[2], above, height - above - inside.shape[1])
    return (pad(inside, beyond) if any(beyond) else inside).permute(1, 2, 0).reshape(-1, 3)
