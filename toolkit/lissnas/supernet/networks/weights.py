"""The weights of a network: how they are initialized, and a digest that identifies them."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.errors import SettingError

Initialization = Literal["fan-in", "fan-out", "spos", "torch"]
"""Distributions of initial weights, as `draw_weights` describes them."""


def draw_weights(network: nn.Module, rng: np.random.Generator, initialization: Initialization = "fan-in") -> None:
    """Draw the weights of all convolutions and of the classifier, in the order of the network's modules.

    Batch norms stay as they are, except in "spos". Tensors on the device "meta" have no values, and take no draws.

    Parameters
    ----------
    network
        The network. Its first convolution is its stem.
    rng
        The source of every draw.
    initialization
        ``"fan-in"``: normal, with variance 2 / inputs for convolutions (He et al., 2015) and 1 / inputs for the
        classifier, whose bias is zero; our own choice. ``"fan-out"``: convolutions are normal with variance 2 /
        (kernel size^2 x output channels), also in groups; the classifier is as in "torch". So the published code of ABS
        draws the supernet whose space it shrinks. ``"spos"``: the published code of SPOS: the standard deviation is
        0.01 in the stem and the classifier, and 1 / (input channels of a group) in all other convolutions; the batch
        norms shift by 0.0001. ``"torch"``: the distributions of PyTorch, uniform below 1 / sqrt(inputs).
    """
    first = True
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and initialization == "spos" and module.bias is not None:
            nn.init.constant_(module.bias, 1e-4)
        if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
            _draw(module, rng, initialization, is_stem=first)
            first = False


def _draw(
    module: nn.Conv2d | nn.Linear, rng: np.random.Generator, initialization: Initialization, is_stem: bool
) -> None:
    shape = tuple(module.weight.shape)
    inputs, is_convolution = np.prod(shape[1:]), isinstance(module, nn.Conv2d)
    bias = np.zeros(shape[0])
    if initialization == "torch" or (initialization == "fan-out" and not is_convolution):
        weights = rng.uniform(-1, 1, shape) / np.sqrt(inputs)
        if module.bias is not None:
            bias = rng.uniform(-1, 1, shape[0]) / np.sqrt(inputs)
    else:
        match initialization:
            case "spos":
                deviation = 0.01 if is_stem or not is_convolution else 1 / shape[1]
            case "fan-out":
                deviation = np.sqrt(2 / (shape[0] * np.prod(shape[2:])))
            case _:
                deviation = np.sqrt((2 if is_convolution else 1) / inputs)
        weights = rng.normal(0, deviation, shape)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weights.astype(np.float32)))
        if module.bias is not None:
            module.bias.copy_(torch.from_numpy(bias.astype(np.float32)))


def set_dropout(network: nn.Module, rate: float) -> None:
    """Set the dropout rate before the classifier; raise SettingError if the network has no dropout."""
    dropouts = [module for module in network.modules() if isinstance(module, nn.Dropout)]
    if not dropouts and rate:
        raise SettingError("the networks of this space have no dropout: leave dropout out")
    for dropout in dropouts:
        dropout.p = rate


def weights_digest(weights: Iterable[Tensor]) -> str:
    """Return the SHA-256 of the bytes of some weights, in their order, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    parts = [each.detach().contiguous().flatten().view(torch.uint8) for each in weights]
    if parts and parts[0].is_cuda:
        parts = [torch.cat(parts)]  # one copy from the GPU, and one wait for it
    for each in parts:
        digest.update(each.cpu().numpy().data)
    return digest.hexdigest()
