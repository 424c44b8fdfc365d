"""The stand-alone network of one cell of `cell201`: the skeleton of NAS-Bench-201 at any width, depth and image size.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.supernet import CompilableSequential
from lissnas.supernet.networks.weights import draw_weights

OUTPUT = 3
"""Number of the output node of a cell; node 0 is its input."""


@dataclass(frozen=True)
class Skeleton:
    """The layers around the cells.

    The skeleton of NAS-Bench-201 is ``Skeleton(channels=16, stages=3, cells=5, inputs=3, residual=True)``.

    Attributes
    ----------
    channels
        Channels of the first stage. Each later stage has twice the channels, at half the height and width.
    stages
        Number of stages, with a reduction between each two.
    cells
        Cells per stage, all of one architecture.
    inputs
        Channels of an image.
    classes
        Number of classes.
    residual
        Whether a reduction is the benchmark's residual block of two 3 x 3 convolutions. On small tasks that block
        performs well with any cell. The plain reduction, our own choice, mixes no pixels beyond 2 x 2, so the cells
        matter more.
    """

    channels: int = 8
    stages: int = 2
    cells: int = 1
    inputs: int = 1
    classes: int = 10
    residual: bool = False


class CellNetwork(nn.Module):
    """One architecture: stem, stages of cells with reductions between, batch norm, ReLU, mean over pixels, classifier.

    Parameters
    ----------
    row
        The genes of the cell, shape (6,).
    skeleton
        The layers around the cells.
    rng
        Draws the initial weights, in the order of the network's parameters.
    """

    def __init__(self, row: Rows, skeleton: Skeleton, rng: np.random.Generator) -> None:
        super().__init__()
        widths = [skeleton.channels << stage for stage in range(skeleton.stages)]
        self.stem = CompilableSequential(_convolution(skeleton.inputs, widths[0], 3), nn.BatchNorm2d(widths[0]))
        body: list[nn.Module] = []
        for stage, width in enumerate(widths):
            if stage > 0:
                reduction = ResidualReduction if skeleton.residual else PlainReduction
                body.append(reduction(widths[stage - 1], width))
            body.extend(Cell(row, width) for _ in range(skeleton.cells))
        self.body = nn.Sequential(*body)
        self.last_norm = nn.BatchNorm2d(widths[-1])
        self.classifier = nn.Linear(widths[-1], skeleton.classes)
        draw_weights(self, rng)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape (images, classes) for images of shape (images, inputs, height, width)."""
        features: Tensor = self.last_norm(self.body(self.stem(images))).relu().mean((2, 3))
        logits: Tensor = self.classifier(features)
        return logits


class Cell(nn.Module):
    """Four nodes, each the sum of its incoming edges. Edges without effect are absent; a node without edges is zero."""

    def __init__(self, row: Rows, channels: int) -> None:
        super().__init__()
        used = np.flatnonzero(used_edges(np.asarray(row)[None])[0])
        self.edges = nn.ModuleDict({str(edge): OPERATION_MODULES[OPERATIONS[row[edge]]](channels) for edge in used})

    def forward(self, features: Tensor) -> Tensor:
        """Return the last node."""
        nodes = [features]
        for node in range(1, OUTPUT + 1):
            total = torch.zeros_like(features)
            for edge, (source, target) in enumerate(EDGES):
                if target == node and str(edge) in self.edges:
                    total = total + self.edges[str(edge)](nodes[source])
            nodes.append(total)
        return nodes[OUTPUT]


class PlainReduction(nn.Module):
    """Average pooling of 2 x 2 pixels, then a 1 x 1 convolution to more channels."""

    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d(2)
        self.widen = ReLUConvolutionNorm(channels, wider, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the smaller image."""
        output: Tensor = self.widen(self.halve(features))
        return output


class ResidualReduction(nn.Module):
    """NAS-Bench-201's residual block between two stages: half the height and width, and more channels."""

    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.first = ReLUConvolutionNorm(channels, wider, 3, stride=2)
        self.second = ReLUConvolutionNorm(wider, wider, 3)
        self.halve = nn.AvgPool2d(2)
        self.widen = _convolution(channels, wider, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the sum of two convolutions and the shortcut."""
        shortcut: Tensor = self.widen(self.halve(features))
        return shortcut + self.second(self.first(features))


class ReLUConvolutionNorm(nn.Module):
    """ReLU, convolution without bias, batch norm: the benchmark's nor_conv."""

    def __init__(self, channels: int, wider: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = _convolution(channels, wider, width, stride)
        self.norm = nn.BatchNorm2d(wider)

    def forward(self, features: Tensor) -> Tensor:
        """Return the normalized convolution of the positive part."""
        normed: Tensor = self.norm(self.convolution(features.relu()))
        return normed


def used_edges(rows: Rows) -> NDArray[np.bool_]:
    """Return which edges have an effect on the output of the cell.

    Parameters
    ----------
    rows
        Genes, shape (n, 6).

    Returns
    -------
    bool of shape (n, 6): the operation of the edge is not `none`, and open edges lead from its end to the output.
    """
    is_open = rows != OPERATIONS.index("none")
    reaches_output = {OUTPUT: np.ones(len(rows), dtype=bool)}
    for node in range(OUTPUT - 1, 0, -1):
        reaches_output[node] = np.zeros(len(rows), dtype=bool)
        for edge, (source, target) in enumerate(EDGES):
            if source == node:
                reaches_output[node] |= is_open[:, edge] & reaches_output[target]
    return np.stack([is_open[:, edge] & reaches_output[target] for edge, (_, target) in enumerate(EDGES)], axis=1)


OPERATION_MODULES: dict[str, Callable[[int], nn.Module]] = {
    "skip_connect": lambda channels: nn.Identity(),
    "nor_conv_1x1": lambda channels: ReLUConvolutionNorm(channels, channels, 1),
    "nor_conv_3x3": lambda channels: ReLUConvolutionNorm(channels, channels, 3),
    "avg_pool_3x3": lambda channels: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}


def _convolution(channels: int, wider: int, width: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, wider, width, stride, padding=width // 2, bias=False)
