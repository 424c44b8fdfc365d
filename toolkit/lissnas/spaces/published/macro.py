"""The chain of NAS-Bench-Macro: 8 layers, each the identity or one of two MobileNetV2 blocks.

Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021.
"""

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck

OPERATIONS = ("0", "1", "2")
"""In official strings, 0 is the identity; 1 and 2 are inverted bottlenecks: expansion 3, kernel 3; 6 and 5."""

LAYERS = 8


def macro() -> CategoricalSpace:
    """Return the 3^8 = 6,561 chains, the first layer first."""
    return CategoricalSpace("macro", (OPERATIONS,) * LAYERS, "{}" * LAYERS)


def macro_chain(classes: int = 10, size: int = 32) -> Chain:
    """Return the layers of the networks for RGB images; an identity that changes the shape is a 1 x 1 convolution.

    We derived channels and strides from the parameters and FLOPs that the authors publish for every network.
    """
    layers: list[tuple[Block, ...]] = []
    for inputs, outputs in ((32, 64), (64, 64), (64, 128), (128, 128), (128, 128), (128, 256), (256, 256), (256, 256)):
        stride = 1 if inputs == outputs else 2
        skip = IDENTITY if stride == 1 else Block((Convolution(inputs, outputs, stride=2, activated=False),))
        bottlenecks = (inverted_bottleneck(inputs, outputs, kernel, stride, e) for kernel, e in ((3, 3), (5, 6)))
        layers.append((skip, *bottlenecks))
    stem = Block((Convolution(3, 32, 3),))
    return Chain(macro(), size, (stem,), tuple(layers), (Convolution(256, 1280),), classes, activation_limit=6)
