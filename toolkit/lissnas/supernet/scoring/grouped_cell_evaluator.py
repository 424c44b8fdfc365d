"""GroupedCellEvaluator: scores many paths of a trained cell supernet at once; `SupernetEvaluator` scores one by one.

What an edge of the first cell makes depends on its operation and on those before it alone: it is computed once for all
paths that have these. The rest of 25 paths is one computation, each with statistics of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.spaces.space import Floats, Rows
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.networks.cell_network import OUTPUT, Cell, CellNetwork, used_edges
from lissnas.supernet.networks.cell_supernet import CellSupernet, SharedCell
from lissnas.supernet.scoring.batch_norm_recalibration import recalibrate_batch_norms
from lissnas.supernet.standalone.grouped_networks import GroupedNetworks

PACK = len(OPERATIONS) ** 2
"""How many paths are one computation: as many as differ in two edges."""

_NONE = OPERATIONS.index("none")


class GroupedCellEvaluator:
    """Scores a path by its accuracy on held-out images, in per cent, after its batch norms have been recalibrated.

    An evaluator of the form that `shrink` takes. Nothing in the supernet is changed: it may be scored in the midst of
    its training. What the first cell makes of all images is kept some 80 times: they should be few and small.

    Parameters
    ----------
    network
        On the processor; of the weights that it has when it is called.
    recalibration
        Batches of training images, as for `SupernetEvaluator`; without any, the statistics are those that training
        left.
    held_out
        Batches of images and classes that the training never saw.
    """

    def __init__(
        self, network: CellSupernet, recalibration: Iterable[Tensor], held_out: Iterable[LabeledBatch]
    ) -> None:
        self._network = network
        self._recalibration = list(recalibration)
        self._held_out, labels = zip(*held_out, strict=True)
        self._labels = torch.cat(labels)
        empty = np.zeros(network.space.genes, dtype=np.uint8)
        self._shells = [CellNetwork(empty, network.skeleton, np.random.default_rng(0)) for _ in range(PACK)]

    def __call__(self, rows: Rows) -> Floats:
        """Return the accuracy of each row in per cent, float64 of shape (n,); NaN where an output is no number."""
        space = self._network.space
        order = np.argsort(space.index(space.checked(rows)), kind="stable")
        scores = np.empty(len(rows))
        with torch.no_grad():
            first = _FirstCell(self._network, [*self._recalibration, *self._held_out], len(self._recalibration))
            for start in range(0, len(order), PACK):
                places = order[start : start + PACK]
                scores[places] = self._score(rows[places], first)
        return scores

    def _score(self, rows: Rows, first: "_FirstCell") -> Floats:
        grouped = GroupedNetworks([self._without_first_cell(*each) for each in zip(self._shells, rows, strict=False)])
        made = zip(*(first.output(row.tolist()) for row in rows), strict=True)
        received = [torch.stack([one.permute(0, 2, 3, 1) for one in batch], 3) for batch in made]
        recalibration = len(self._recalibration)
        logits = torch.cat(_recalibrated(grouped, grouped.after_stem, received, recalibration)[recalibration:], 1)
        right = (logits.argmax(2) == self._labels).sum(1).numpy()
        finite = torch.isfinite(logits).flatten(1).all(1).numpy()
        return np.where(finite, 100 * right / len(self._labels), np.nan)

    def _without_first_cell(self, shell: CellNetwork, row: Rows) -> CellNetwork:
        """Make a shell the stand-alone network of a path, but for its first cell, out of the supernet's own parts."""
        network = self._network
        parts = (_cell(part, row) if isinstance(part, SharedCell) else part for part in network.body[1:])
        shell.body = nn.Sequential(*parts)
        shell.last_norm, shell.classifier = network.last_norm, network.classifier
        return shell


class _FirstCell:
    """What the first cell makes of some batches of images, the first of which its batch norms are recalibrated by."""

    def __init__(self, network: CellSupernet, images: Sequence[Tensor], recalibration: int) -> None:
        self._operations = cast(SharedCell, network.body[0]).edges
        self._recalibration = recalibration
        self._received = self._made(network.stem, images)
        self._made_by: dict[tuple[int, ...], Sequence[Tensor]] = {}
        self._made_late: dict[tuple[int, ...], Sequence[Tensor]] = {}
        self._before_late: list[int] = []

    def output(self, genes: list[int]) -> Sequence[Tensor]:
        """Return the last node for each batch, shape (images, channels, height, width)."""
        before = _before(OUTPUT - 1, genes)
        if before != self._before_late:
            self._before_late, self._made_late = before, {}
        return self._node(OUTPUT, genes)

    def _node(self, node: int, genes: list[int]) -> Sequence[Tensor]:
        if node == 0:
            return self._received
        arriving = [
            self._edge(edge, source, genes)
            for edge, (source, target) in enumerate(EDGES)
            if target == node and genes[edge] != _NONE
        ]
        batches = zip(*arriving, strict=True) if arriving else ([torch.zeros_like(one)] for one in self._received)
        return [sum(batch[1:], batch[0]) for batch in batches]

    def _edge(self, edge: int, source: int, genes: list[int]) -> Sequence[Tensor]:
        """Return what an edge makes; that of the node before the last is kept for its own paths alone, being much."""
        key = (edge, genes[edge], *_before(source, genes))
        kept = self._made_late if source == OUTPUT - 1 else self._made_by
        if key not in kept:
            operations = cast(nn.ModuleDict, self._operations[edge])
            kept[key] = self._made(operations[OPERATIONS[genes[edge]]], self._node(source, genes))
        return kept[key]

    def _made(self, module: nn.Module, received: Sequence[Tensor]) -> Sequence[Tensor]:
        own = deepcopy(module)
        return _recalibrated(own, own, received, self._recalibration)


def _before(node: int, genes: list[int]) -> list[int]:
    """Return the genes that decide what a node holds."""
    return [gene for gene, (_, target) in zip(genes, EDGES, strict=True) if target <= node]


def _cell(shared: SharedCell, row: Rows) -> Cell:
    cell = Cell(np.zeros_like(row), 0)
    for edge in np.flatnonzero(used_edges(row[None])[0]).tolist():
        cell.edges[str(edge)] = shared.edges[edge][OPERATIONS[row[edge]]]  # type: ignore[index]
    return cell


def _recalibrated(
    module: nn.Module, forward: Callable[[Tensor], Tensor], inputs: Sequence[Tensor], recalibration: int
) -> list[Tensor]:
    """Return the output of a module for each batch; the first batches recalibrate its batch norms."""
    module.eval()
    outputs: list[Tensor] = []
    recalibrate_batch_norms(module, inputs[:recalibration], lambda batch: outputs.append(forward(batch)))
    return outputs + [forward(batch) for batch in inputs[recalibration:]]
