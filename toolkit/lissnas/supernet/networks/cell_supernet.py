"""CellSupernet: all cells of `cell201` in one network; each edge has all operations, and a path uses one of them.

Its skeleton is that of the stand-alone networks, and a path computes the same as the stand-alone network of its cell.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.spaces.published.cell201 import EDGES, OPERATIONS, cell201
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import (
    OPERATION_MODULES,
    OUTPUT,
    Cell,
    CellNetwork,
    Skeleton,
    used_edges,
)
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import draw_weights


class CellSupernet(Supernet):
    """Stem, stages of shared cells with reductions between, batch norm, ReLU, mean over pixels, classifier.

    Parameters
    ----------
    skeleton
        The layers around the cells. The supernet of NAS-Bench-201's own networks has
        ``Skeleton(channels=16, stages=3, cells=5, inputs=3, residual=True)``.
    rng
        Draws the initial weights, in the order of the network's parameters.

    Attributes
    ----------
    space
        The space of the 15,625 cells.
    """

    def __init__(self, skeleton: Skeleton, rng: np.random.Generator) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.space = cell201()
        skeleton_network = _stand_alone(np.zeros(self.space.genes, dtype=np.uint8), skeleton)
        self.stem = skeleton_network.stem
        self.body = nn.ModuleList()
        width = skeleton.channels
        for part in skeleton_network.body:
            if isinstance(part, Cell):
                self.body.append(SharedCell(width))
            else:
                self.body.append(part)
                width *= 2
        self.last_norm = skeleton_network.last_norm
        self.classifier = skeleton_network.classifier
        draw_weights(self, rng)

    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        """Return logits of shape (images, classes); edges without effect on the output are not computed."""
        row = np.array(path, dtype=np.uint8)
        genes = [gene if used else None for gene, used in zip(path, used_edges(row[None])[0], strict=True)]
        features: Tensor = self.stem(images)
        for part in self.body:
            features = part(features, genes) if isinstance(part, SharedCell) else part(features)
        logits: Tensor = self.classifier(self.last_norm(features).relu().mean((2, 3)))
        return logits

    def stand_alone(self, row: Rows) -> CellNetwork:
        alone = _stand_alone(row, self.skeleton).to(next(self.parameters()).device)
        weights = self.state_dict()
        alone.load_state_dict({name: weights[_name_in_supernet(name, row)] for name in alone.state_dict()})
        return alone.train(self.training)

    def fixed_parts(self) -> Iterator[nn.Module]:
        yield self.stem
        for part in self.body:
            if isinstance(part, SharedCell):
                for operations in part.edges:
                    yield from operations.children()
            else:
                yield part


class SharedCell(nn.Module):
    """A cell with all operations on each edge; a path chooses one of them per edge."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            nn.ModuleDict({name: OPERATION_MODULES[name](channels) for name in OPERATIONS if name != "none"})
            for _ in EDGES
        )

    def forward(self, features: Tensor, genes: Sequence[int | None]) -> Tensor:
        """Return the output node. An edge with gene None is absent; a node without edges is zero."""
        nodes = [features]
        for node in range(1, OUTPUT + 1):
            total = torch.zeros_like(features)
            for operations, gene, (source, target) in zip(self.edges, genes, EDGES, strict=True):
                if target == node and gene is not None:
                    total = total + operations[OPERATIONS[gene]](nodes[source])  # type: ignore[index]
            nodes.append(total)
        return nodes[OUTPUT]


def _stand_alone(row: Rows, skeleton: Skeleton) -> CellNetwork:
    """Return a network whose weights will be replaced."""
    return CellNetwork(row, skeleton, np.random.default_rng(0))


def _name_in_supernet(name: str, row: Rows) -> str:
    """Return the name in the supernet of a weight of a stand-alone network: there the operation follows the edge."""
    parts = name.split(".")
    if parts[0] == "body" and parts[2] == "edges":
        edge = int(parts[3])
        parts.insert(4, OPERATIONS[row[edge]])
    return ".".join(parts)
