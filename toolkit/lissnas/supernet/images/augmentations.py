"""What is done to an ImageNet image before a network sees it, at random in training, as SPOS and ABS do it.

Images stay as their bytes say, 0 to 255, the channels in the order blue, green, red; nothing is normalized. Needs
torchvision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.setting_checks import check_between

if TYPE_CHECKING:
    from PIL.Image import Image

_VALUES = (0.2175, 0.0188, 0.0045)
_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""Principal components of the colors of ImageNet, red, green, blue from 0 to 1: eigenvalues, eigenvectors as columns.

They are those that Facebook's ResNet training made common; the idea is of Krizhevsky et al., 2012.
"""


@dataclass(frozen=True)
class Augmentation:
    """How an image becomes a network's input.

    In training a part of the image is cut out, brought to size, its colors are changed, and every other one is
    flipped. To be scored, the image is brought to a size, and its middle is cut out. Both sizes change by torchvision's
    bilinear interpolation with antialiasing.

    Attributes
    ----------
    size
        Height and width of what comes out, in pixels.
    shorter_side
        To which length an image's shorter side is brought before its middle is cut out.
    min_crop_area
        The least share of the image's area that is cut out in training.
    max_aspect_ratio
        Largest ratio of the longer to the shorter side of the part that is cut out, at least 1.
    color_jitter
        How far brightness, contrast and saturation go up or down, as a share.
    lighting_std
        Standard deviation of the noise along the principal components of ImageNet's colors.
    """

    size: int = 224
    shorter_side: int = 256
    min_crop_area: float = 0.08
    max_aspect_ratio: float = 4 / 3
    color_jitter: float = 0.4
    lighting_std: float = 0.0

    def __post_init__(self) -> None:
        check_between(self, 1, inf, "size", "shorter_side", "max_aspect_ratio")
        check_between(self, 0, 1, "min_crop_area")
        check_between(self, 0, inf, "color_jitter", "lighting_std")

    def for_training(self) -> "Callable[[Image], Tensor]":
        """Return what makes an RGB image uint8 of shape (3, size, size); it draws from torch's default generator."""
        v2 = transforms()
        steps = [
            v2.RandomResizedCrop(
                self.size, (self.min_crop_area, 1.0), (1 / self.max_aspect_ratio, self.max_aspect_ratio)
            ),
            v2.ColorJitter(self.color_jitter, self.color_jitter, self.color_jitter),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
        ]
        if self.lighting_std:
            steps.append(lambda pixels: _lit(pixels, self.lighting_std))
        return _blue_first(v2.Compose(steps))

    def for_scoring(self) -> "Callable[[Image], Tensor]":
        """Return what makes an RGB image uint8 of shape (3, size, size), the same each time."""
        v2 = transforms()
        return _blue_first(v2.Compose([v2.Resize(self.shorter_side), v2.CenterCrop(self.size), v2.PILToTensor()]))


SPOS_AUGMENTATION = Augmentation()
"""Guo et al., ECCV 2020, and the authors' code, which resizes with OpenCV: its pixels differ a little from these."""

ABS_AUGMENTATION = Augmentation(max_aspect_ratio=1.0, color_jitter=0.0, lighting_std=0.1)
"""Square parts, and noise along the principal components in place of jitter.

Neither the paper (Hu et al., ECCV 2020) nor the part of its code that we know says it: our own choice, after what is in
use for the same training elsewhere. Where a square of the drawn area does not fit into the image, the middle is taken.
"""


def transforms() -> ModuleType:
    """Return torchvision.transforms.v2.

    Builds of torch for processors alone do not come from the same place as PyPI's torchvision, which then cannot load
    its operators for boxes, and fails to import because it describes two of them. No transform uses them: where that
    is what is wrong, the two are declared, without a body.

    Raises
    ------
    SettingError
        If torchvision is not there, or does not fit torch.
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


def _lit(pixels: Tensor, deviation: float) -> Tensor:
    """Add to every pixel the same color, drawn along the principal components; values beyond 0 and 255 are cut."""
    drawn = torch.randn(3) * deviation
    color = torch.tensor(_VECTORS) @ (torch.tensor(_VALUES) * drawn) * 255
    return (pixels + color[:, None, None]).clamp(0, 255).to(torch.uint8)
