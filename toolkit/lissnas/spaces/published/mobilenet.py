"""Spaces of MobileNetV2 blocks: that of ProxylessNAS for GPUs, which ABS shrinks; that of FairNAS; that of MobileNetV2.

Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019; Hu et al.,
"Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020; Chu, Zhang and Xu, "FairNAS: Rethinking
Evaluation Fairness of Weight Sharing Neural Architecture Search", ICCV 2021. Channels and strides are those of the
published code of ABS. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck

OPERATIONS = ("k3e3", "k5e3", "k7e3", "k3e6", "k5e6", "k7e6")
"""Kernel and expansion of an inverted bottleneck."""

SKIPPED = "id"
"""A skipped layer; possible where input and output have the same shape."""


@dataclass(frozen=True)
class _Stage:
    layers: int
    channels: int
    stride: int


_PROXYLESS = tuple(
    _Stage(*numbers) for numbers in ((4, 32, 2), (4, 56, 2), (4, 112, 2), (4, 128, 1), (4, 256, 2), (1, 432, 1))
)
_FAIRNAS = tuple(
    _Stage(*numbers) for numbers in ((2, 32, 2), (4, 40, 2), (4, 80, 2), (4, 96, 1), (4, 192, 2), (1, 320, 1))
)
_MOBILENETV2 = tuple(
    _Stage(*numbers) for numbers in ((2, 24, 2), (3, 32, 2), (4, 64, 2), (3, 96, 1), (3, 160, 2), (1, 320, 1))
)


def mobilenet() -> CategoricalSpace:
    """Return the 7^15 x 6^6 = 2.2 x 10^17 networks of 21 layers; the first layer of a stage cannot be skipped."""
    return _space("mobilenet", _PROXYLESS, skips=True)


def mobilenet_chain(classes: int = 1000, size: int = 224) -> Chain:
    """Return the layers of the networks of `mobilenet`, for RGB images."""
    return _chain(mobilenet(), _PROXYLESS, (40, 24, 1728), classes, size)


def fairnas() -> CategoricalSpace:
    """Return the 6^19 = 6.1 x 10^14 networks of FairNAS; no layer can be skipped."""
    return _space("fairnas", _FAIRNAS, skips=False)


def fairnas_chain(classes: int = 1000, size: int = 224) -> Chain:
    """Return the layers of the networks of `fairnas`, for RGB images."""
    return _chain(fairnas(), _FAIRNAS, (32, 16, 1280), classes, size)


def mobilenetv2() -> CategoricalSpace:
    """Return the 7^10 x 6^6 = 1.3 x 10^13 networks with the stages of MobileNetV2, whose blocks are all k3e6.

    Our own choice: the choices of `mobilenet`, around a network of which others publish weights.
    """
    return _space("mobilenetv2", _MOBILENETV2, skips=True)


def mobilenetv2_chain(classes: int = 1000, size: int = 224) -> Chain:
    """Return the layers of the networks of `mobilenetv2`, for RGB images."""
    return _chain(mobilenetv2(), _MOBILENETV2, (32, 16, 1280), classes, size)


def _space(name: str, stages: Sequence[_Stage], skips: bool) -> CategoricalSpace:
    genes: list[tuple[str, ...]] = []
    for stage in stages:
        later = (*OPERATIONS, SKIPPED) if skips else OPERATIONS
        genes += [OPERATIONS, *[later] * (stage.layers - 1)]
    return CategoricalSpace(name, genes, "-".join(["{}"] * len(genes)))


def _chain(
    space: CategoricalSpace, stages: Sequence[_Stage], channels: tuple[int, int, int], classes: int, size: int
) -> Chain:
    """Return the chain of a space; `channels` are those of the stem's two blocks and of the head."""
    stem, inputs, head = channels
    before = (Block((Convolution(3, stem, 3, stride=2),)), inverted_bottleneck(stem, inputs, 3, 1, expansion=1))
    blocks: list[tuple[Block, ...]] = []
    for stage in stages:
        for layer in range(stage.layers):
            names, stride = space.operations[len(blocks)], 1 if layer else stage.stride
            blocks.append(tuple(_block(name, inputs, stage.channels, stride) for name in names))
            inputs = stage.channels
    return Chain(space, size, before, tuple(blocks), (Convolution(inputs, head),), classes, activation_limit=6)


def _block(name: str, inputs: int, outputs: int, stride: int) -> Block:
    if name == SKIPPED:
        return IDENTITY
    kernel, expansion = (int(digits) for digits in name[1:].split("e"))
    return inverted_bottleneck(inputs, outputs, kernel, stride, expansion)
