"""FLOPs and parameters of the networks of `cell201`, for a skeleton of any width and depth.

The published FLOPs count a multiply-accumulate as one and ignore pooling and batch norm. They include edges on no path
to the output, and one operation for the bias of each class, so that they exceed ours by the number of classes. Dong and
Yang, ICLR 2020.
"""

from dataclasses import dataclass
from itertools import pairwise

from lissnas.spaces.chain import Convolution
from lissnas.spaces.costs import Costs
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS


@dataclass(frozen=True)
class Cell201Costs:
    """Costs of the networks with this skeleton; the defaults are those of NAS-Bench-201 on CIFAR-10.

    Attributes
    ----------
    channels
        Channels of the first stage. Each further stage has twice as many, at half the height and width.
    stages
        Number of stages, with a residual reduction block between any two.
    cells
        Number of cells in a stage.
    inputs, size, classes
        Channels of the images, their pixels a side, and the number of classes.
    """

    channels: int = 16
    stages: int = 3
    cells: int = 5
    inputs: int = 3
    size: int = 32
    classes: int = 10

    @property
    def multiply_accumulates(self) -> Costs:
        """Multiply-accumulates of a network on one image."""
        skeleton = [(Convolution(self.inputs, self.channels, 3), self.size)]
        for (narrow, _), (wide, pixels) in pairwise(self._shapes):
            skeleton += [(convolution, pixels) for convolution in _reduction(narrow, wide)]
        fixed = sum(convolution.weights * pixels**2 for convolution, pixels in skeleton)
        added = [
            self.cells * sum(_weights(operation, channels) * pixels**2 for channels, pixels in self._shapes)
            for operation in OPERATIONS
        ]
        return Costs(fixed + self._features * self.classes, [added] * len(EDGES))

    @property
    def parameters(self) -> Costs:
        """Number of parameters of a network, including two for each channel of batch norm."""
        fixed = Convolution(self.inputs, self.channels, 3).weights + 2 * self.channels
        for (narrow, _), (wide, _) in pairwise(self._shapes):
            fixed += sum(convolution.weights for convolution in _reduction(narrow, wide)) + 2 * 2 * wide
        fixed += 2 * self._features + (self._features + 1) * self.classes
        added = [
            self.cells * sum(_weights(operation, channels) + 2 * channels for channels, _ in self._shapes)
            if _weights(operation, 1)
            else 0
            for operation in OPERATIONS
        ]
        return Costs(fixed, [added] * len(EDGES))

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        """Channels and pixels a side of each stage."""
        return [(self.channels << stage, self.size >> stage) for stage in range(self.stages)]

    @property
    def _features(self) -> int:
        return self._shapes[-1][0]


def _weights(operation: str, channels: int) -> int:
    if operation == "nor_conv_1x1":
        return Convolution(channels, channels).weights
    if operation == "nor_conv_3x3":
        return Convolution(channels, channels, 3).weights
    return 0


def _reduction(narrow: int, wide: int) -> tuple[Convolution, ...]:
    """Return the convolutions between two stages, at the later stage's size; the last, of the shortcut, has no norm."""
    return (Convolution(narrow, wide, 3), Convolution(wide, wide, 3), Convolution(narrow, wide))
