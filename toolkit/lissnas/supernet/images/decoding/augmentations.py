"""Image augmentation of SPOS and ABS: how an ImageNet image becomes the input of a network, in training and scoring.

Pixels keep their values from 0 to 255, in the channel order blue, green, red; nothing is normalized. Needs torchvision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import inf
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.setting_checks import check_between

if TYPE_CHECKING:
    from PIL.Image import Image

_VALUES = (0.2175, 0.0188, 0.0045)
_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""Principal components of ImageNet's colors (red, green, blue, from 0 to 1): eigenvalues, and eigenvectors as columns.

These are the values of Facebook's ResNet training, in wide use. The idea is from Krizhevsky et al., 2012.
"""


class DrawnAugmentation(NamedTuple):
    """What `Augmentation.draw` drew for one image.

    Attributes
    ----------
    top, left, height, width
        The crop, in pixels. With padding it may be larger than the image; then top or left are negative.
    jitter
        The changes of color in their order: 0 brightness, 1 contrast, 2 saturation, and the factor of each.
    flipped
        Whether left and right are exchanged.
    lighting
        The color that is added to all pixels: red, green and blue.
    """

    top: int
    left: int
    height: int
    width: int
    jitter: tuple[tuple[int, float], ...]
    flipped: bool
    lighting: tuple[float, float, float]


@dataclass(frozen=True)
class Augmentation:
    """How an image becomes a network's input.

    In training, a random part of the image is cropped and resized, its colors are jittered, and half of the images are
    flipped. In scoring, the image is resized, and its center is cropped. Resizing is torchvision's bilinear
    interpolation.

    Attributes
    ----------
    size
        Height and width of the input, in pixels.
    shorter_side
        In scoring, length to which the shorter side of an image is resized before its center is cropped.
    min_crop_area
        Smallest share of the image's area that training crops.
    max_aspect_ratio
        Largest ratio of the longer to the shorter side of that crop, at least 1.
    pads_large_squares
        What happens if ten crops in a row do not fit into the image: True pads the image with black pixels to the
        square of the last one, as in ABS; False crops the center. True needs a max_aspect_ratio of 1.
    antialias
        Whether resizing to fewer pixels averages over all of them. OpenCV, which SPOS and ABS use, does not.
    color_jitter
        Largest relative change of brightness, contrast and saturation, up or down.
    lighting_std
        Standard deviation of the noise along the principal components of ImageNet's colors.
    """

    size: int = 224
    shorter_side: int = 256
    min_crop_area: float = 0.08
    max_aspect_ratio: float = 4 / 3
    pads_large_squares: bool = False
    antialias: bool = True
    color_jitter: float = 0.4
    lighting_std: float = 0.0

    def __post_init__(self) -> None:
        check_between(self, 1, inf, "size", "shorter_side", "max_aspect_ratio")
        check_between(self, 0, 1, "min_crop_area")
        check_between(self, 0, inf, "color_jitter", "lighting_std")
        if self.pads_large_squares and self.max_aspect_ratio != 1:
            raise SettingError(
                f"pads_large_squares is for squares: max_aspect_ratio must be 1, not {self.max_aspect_ratio}"
            )

    def for_training(self) -> "Callable[[Image], Tensor]":
        """Return the random transform of an RGB image to uint8 of shape (3, size, size).

        It draws from torch's default generator.
        """
        v2 = transforms()
        to_pixels = v2.PILToTensor()
        if self.pads_large_squares:
            crop = partial(_resized_square, size=self.size, min_area=self.min_crop_area, antialias=self.antialias)
        else:
            crop = self._resized_crop
        steps = [crop, self._color_jitter, v2.RandomHorizontalFlip()]
        steps.insert(len(steps) if self.antialias else 0, to_pixels)  # Pillow always averages; torch need not
        if self.lighting_std:
            steps.append(lambda pixels: _with_lighting_noise(pixels, self.lighting_std))
        return _blue_first(v2.Compose(steps))

    def draw(self, height: int, width: int) -> DrawnAugmentation:
        """Draw from torch's default generator as `for_training` does for an image of this size.

        `device_augmentation.py` applies what is drawn.
        """
        image = [torch.empty((3, height, width), device="meta")]
        if self.pads_large_squares:
            top, left, edge = _drawn_square(height, width, self.min_crop_area)
            crop = top, left, edge, edge
        else:
            box = self._resized_crop.make_params(image)
            crop = box["top"], box["left"], box["height"], box["width"]
        colors = self._color_jitter.make_params(image)
        factors = [colors[f"{name}_factor"] for name in ("brightness", "contrast", "saturation")]
        order = [number for number in colors["fn_idx"].tolist() if number < len(factors)]
        jitter = tuple((number, factors[number]) for number in order) if self.color_jitter else ()
        flipped = bool(torch.rand(1) < 0.5)
        color = _drawn_lighting(self.lighting_std).tolist() if self.lighting_std else (0.0, 0.0, 0.0)
        return DrawnAugmentation(*crop, jitter, flipped, tuple(color))

    @cached_property
    def _resized_crop(self) -> Any:
        ratios = (1 / self.max_aspect_ratio, self.max_aspect_ratio)
        return transforms().RandomResizedCrop(self.size, (self.min_crop_area, 1.0), ratios, antialias=self.antialias)

    @cached_property
    def _color_jitter(self) -> Any:
        return transforms().ColorJitter(self.color_jitter, self.color_jitter, self.color_jitter)

    def for_scoring(self) -> "Callable[[Image], Tensor]":
        """Return the deterministic transform of an RGB image to uint8 of shape (3, size, size)."""
        v2 = transforms()
        steps = [v2.Resize(self.shorter_side, antialias=self.antialias), v2.CenterCrop(self.size)]
        steps.insert(len(steps) if self.antialias else 0, v2.PILToTensor())
        return _blue_first(v2.Compose(steps))


SPOS_AUGMENTATION = Augmentation()
"""Augmentation of SPOS: Guo et al., ECCV 2020, and the authors' code. OpenCV resizes there: pixels differ slightly."""

ABS_AUGMENTATION = Augmentation(
    max_aspect_ratio=1.0, pads_large_squares=True, antialias=False, color_jitter=0.0, lighting_std=0.1
)
"""Augmentation of ABS, as in the authors' code: square crops, and noise along the principal components instead of color
jitter. Our own reading: a padded image is in the center of its square."""

_CROPS = 10
"""Number of square crops that are tried before the image is padded, as in the code of ABS."""


def _resized_square(image: "Image | Tensor", size: int, min_area: float, antialias: bool) -> "Image | Tensor":
    """Return a random square part of an image, resized; after ten that do not fit, of the padded image."""
    functional = transforms().functional
    height, width = functional.get_size(image)
    top, left, edge = _drawn_square(height, width, min_area)
    return functional.resized_crop(image, top, left, edge, edge, [size, size], antialias=antialias)


def _drawn_square(height: int, width: int, min_area: float) -> tuple[int, int, int]:
    """Draw a square; return its top, its left and its edge."""
    for _ in range(_CROPS):
        area = float(torch.empty(()).uniform_(min_area, 1)) * height * width
        edge = max(1, round(area**0.5))
        if edge <= min(height, width):
            top, left = (int(torch.randint(side - edge + 1, ())) for side in (height, width))
            break
    else:
        top, left = (height - edge) // 2, (width - edge) // 2
    return top, left, edge


def transforms() -> ModuleType:
    """Return torchvision.transforms.v2.

    With a CPU-only build of torch, torchvision from PyPI cannot load its box operators. Its import then fails, because
    it registers shapes for two of them. No transform uses them, so in that case the two are declared here, without a
    body.

    Raises
    ------
    SettingError
        If torchvision is not installed, or does not fit torch.
    """
    try:
        try:
            from torchvision.transforms import v2
        except RuntimeError as error:
            if "operator torchvision::nms does not exist" not in str(error):
                raise
            for name in ("nms", "qnms"):
                torch.library.define(
                    f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                )
            from torchvision.transforms import v2
    except ImportError as error:
        raise SettingError(f"images from files need torchvision ({error}): pip install 'lissnas[imagenet]'") from error
    except RuntimeError as error:
        raise SettingError(
            f"this torchvision does not fit torch {torch.__version__} ({error}): install the release made for it"
        ) from error
    return v2


def _blue_first(transform: "Callable[[Image], Tensor]") -> "Callable[[Image], Tensor]":
    return lambda image: transform(image).flip(0)


def _with_lighting_noise(pixels: Tensor, deviation: float) -> Tensor:
    """Add one color, drawn along the principal components, to all pixels; clip values to 0 to 255."""
    return (pixels + _drawn_lighting(deviation)[:, None, None]).clamp(0, 255).to(torch.uint8)


def _drawn_lighting(deviation: float) -> Tensor:
    weights = torch.randn(3) * deviation
    return torch.tensor(_VECTORS) @ (torch.tensor(_VALUES) * weights) * 255
