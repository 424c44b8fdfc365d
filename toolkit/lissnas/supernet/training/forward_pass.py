"""The forward pass of a path in the precision and the memory format of a recipe, for training and for scoring."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lissnas.supernet.training.training_recipe import Precision


def forward_pass(
    network: Callable[[Tensor, Sequence[int]], Tensor],
    images: Tensor,
    path: Sequence[int],
    precision: Precision | None,
    channels_last: bool | None,
) -> Tensor:
    """Return the logits of a path, float32 of shape (images, classes); convolutions compute in the precision.

    Parameters
    ----------
    network
        A supernet, or another function of images and a path.
    images
        Of shape (images, channels, height, width), of any type.
    path
        The genes of one architecture.
    precision, channels_last
        As in a recipe; None for float32, and for adjacent pixels.
    """
    with autocast(images.device, precision):
        logits = network(network_input(images, channels_last), path)
    return logits.float()


def network_input(images: Tensor, channels_last: bool | None) -> Tensor:
    """Return images of any type as float32, in the memory format of a recipe."""
    images = images.float()
    return images.contiguous(memory_format=torch.channels_last) if channels_last else images


def autocast(device: torch.device, precision: Precision | None) -> torch.autocast:
    """Return the context in which convolutions compute in the precision of a recipe."""
    lower = torch.float16 if precision == "float16" else torch.bfloat16
    return torch.autocast(device.type, lower, enabled=precision in ("bfloat16", "float16"))
