"""The ShuffleNetV2 space of SPOS: 20 layers, each a ShuffleNetV2 block with one of three kernels, or an Xception block.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020; channels, strides and
the order of the choices are those of the authors' code.
"""

from itertools import pairwise

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import Block, Chain, Convolution

OPERATIONS = ("3", "5", "7", "x")
"""The blocks in our strings: kernel 3, 5 or 7, or x for three depthwise convolutions ("Xception")."""

STAGES = ((4, 64), (4, 160), (8, 320), (4, 640))
"""Number of layers and of output channels of each stage."""

STEM = 16


def shufflenetv2() -> CategoricalSpace:
    """Return the 4^20 = 1.1 x 10^12 networks; each gene is a layer, the first layer first."""
    layers = sum(count for count, _channels in STAGES)
    return CategoricalSpace("shufflenetv2", (OPERATIONS,) * layers, "{}" * layers)


def shufflenetv2_chain(classes: int = 1000, size: int = 224) -> Chain:
    """Return the layers of the networks, for RGB images."""
    layers = []
    for (_, inputs), (count, outputs) in pairwise(((0, STEM), *STAGES)):
        first = tuple(_reduction(inputs, outputs, operation) for operation in OPERATIONS)
        others = tuple(_shuffle(outputs, operation) for operation in OPERATIONS)
        layers += [first, *[others] * (count - 1)]
    stem = Block((Convolution(3, STEM, 3, stride=2),))
    head = (Convolution(STAGES[-1][1], 1024),)
    return Chain(shufflenetv2(), size, (stem,), tuple(layers), head, classes, bias=False, dropout=0.1)


def _reduction(inputs: int, outputs: int, operation: str) -> Block:
    """Return the first block of a stage, which halves the resolution; both branches get all input channels."""
    kernel = 3 if operation == "x" else int(operation)
    side = (_depthwise(inputs, kernel, stride=2), Convolution(inputs, inputs))
    return Block(_main(inputs, outputs // 2, outputs - inputs, operation, stride=2), "concatenate", side)


def _shuffle(channels: int, operation: str) -> Block:
    """Return any other block; half of the channels bypass it."""
    half = channels // 2
    return Block(_main(half, half, half, operation, stride=1), "shuffle")


def _main(inputs: int, hidden: int, outputs: int, operation: str, stride: int) -> tuple[Convolution, ...]:
    if operation == "x":
        return (
            _depthwise(inputs, 3, stride),
            Convolution(inputs, hidden),
            _depthwise(hidden, 3),
            Convolution(hidden, hidden),
            _depthwise(hidden, 3),
            Convolution(hidden, outputs),
        )
    return (Convolution(inputs, hidden), _depthwise(hidden, int(operation), stride), Convolution(hidden, outputs))


def _depthwise(channels: int, kernel: int, stride: int = 1) -> Convolution:
    return Convolution(channels, channels, kernel, stride, groups=channels, activated=False)
