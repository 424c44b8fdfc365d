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
"""The node that a cell hands on; node 0 is what it receives."""


@dataclass(frozen=True)
class Skeleton:
    """What surrounds the cells.

    NAS-Bench-201's own is ``Skeleton(channels=16, stages=3, cells=5, inputs=3, residual=True)``.

    Attributes
    ----------
    channels
        Of the first stage; every stage has twice those of the one before, at half the height and width.
    stages
        How many, a reduction between each two.
    cells
        In a stage, all of one architecture.
    inputs
        Channels of the images.
    classes
        How many.
    residual
        Whether a reduction is the benchmark's residual block of two 3 x 3 convolutions. On small tasks that block does
        well whatever the cell is; the plain one, our own choice, leaves all mixing of pixels to the cells and the stem.
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
        Its genes, shape (6,).
    skeleton
        What surrounds the cells.
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
    """Four nodes, each the sum of what its incoming edges make of the nodes before; edges that do nothing are absent.

    A node without incoming edges is zero.
    """

    def __init__(self, row: Rows, channels: int) -> None:
        super().__init__()
        used = np.flatnonzero(used_edges(np.asarray(row)[None])[0])
        self.edges = nn.ModuleDict({str(edge): OPERATION_MODULES[OPERATIONS[row[edge]]](channels) for edge in used})

    def forward(self, received: Tensor) -> Tensor:
        """Return the last node."""
        nodes = [received]
        for node in range(1, OUTPUT + 1):
            total = torch.zeros_like(received)
            for edge, (source, target) in enumerate(EDGES):
                if target == node and str(edge) in self.edges:
                    total = total + self.edges[str(edge)](nodes[source])
            nodes.append(total)
        return nodes[OUTPUT]


class PlainReduction(nn.Module):
    """Half the height and width by the mean of 2 x 2 pixels, then a 1 x 1 convolution to more channels."""

    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d(2)
        self.widen = ReLUConvolutionNorm(channels, wider, 1)

    def forward(self, received: Tensor) -> Tensor:
        """Return the smaller image."""
        made: Tensor = self.widen(self.halve(received))
        return made


class ResidualReduction(nn.Module):
    """NAS-Bench-201's residual block between two stages: half the height and width, more channels."""

    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.first = ReLUConvolutionNorm(channels, wider, 3, stride=2)
        self.second = ReLUConvolutionNorm(wider, wider, 3)
        self.halve = nn.AvgPool2d(2)
        self.widen = _convolution(channels, wider, 1)

    def forward(self, received: Tensor) -> Tensor:
        """Return the sum of two convolutions and of a shortcut."""
        shortcut: Tensor = self.widen(self.halve(received))
        return shortcut + self.second(self.first(received))


class ReLUConvolutionNorm(nn.Module):
    """ReLU, convolution without bias, batch norm: what the benchmark calls nor_conv."""

    def __init__(self, channels: int, wider: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = _convolution(channels, wider, width, stride)
        self.norm = nn.BatchNorm2d(wider)

    def forward(self, received: Tensor) -> Tensor:
        """Return the normalized convolution of the positive part."""
        normed: Tensor = self.norm(self.convolution(received.relu()))
        return normed


def used_edges(rows: Rows) -> NDArray[np.bool_]:
    """Tell of each edge whether anything comes through it to the cell's output.

    Parameters
    ----------
    rows
        Genes, shape (n, 6).

    Returns
    -------
    Array of shape (n, 6): the operation is not `none`, and a path of such leads on from it.
    """
    open_ = rows != OPERATIONS.index("none")
    leads_on = {OUTPUT: np.ones(len(rows), dtype=bool)}
    for node in range(OUTPUT - 1, 0, -1):
        leads_on[node] = np.zeros(len(rows), dtype=bool)
        for edge, (source, target) in enumerate(EDGES):
            if source == node:
                leads_on[node] |= open_[:, edge] & leads_on[target]
    return np.stack([open_[:, edge] & leads_on[target] for edge, (_, target) in enumerate(EDGES)], axis=1)


OPERATION_MODULES: dict[str, Callable[[int], nn.Module]] = {
    "skip_connect": lambda channels: nn.Identity(),
    "nor_conv_1x1": lambda channels: ReLUConvolutionNorm(channels, channels, 1),
    "nor_conv_3x3": lambda channels: ReLUConvolutionNorm(channels, channels, 3),
    "avg_pool_3x3": lambda channels: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}


def _convolution(channels: int, wider: int, width: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, wider, width, stride, padding=width // 2, bias=False)
