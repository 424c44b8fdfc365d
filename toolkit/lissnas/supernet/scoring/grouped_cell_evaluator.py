"""GroupedCellEvaluator: scores many paths of a trained cell supernet at once; `SupernetEvaluator` scores one by one.

The output of an edge of the first cell depends only on its operation and on the operations before it, so it is computed
once for all paths that share them. The rest of 25 paths is computed together, each path with its copy statistics.
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
"""Number of paths computed together: all that differ only in two edges."""

_NONE = OPERATIONS.index("none")


class GroupedCellEvaluator:
    """Scores a path by its accuracy on held-out images in percent, after recalibrating its batch norms.

    Pass it to `shrink` like any other evaluator. It does not change the supernet, so it can also score during training.
    It stores about 80 outputs of the first cell for all images, so use few and small images.

    Parameters
    ----------
    network
        The supernet, on the processor. A call scores with its current weights.
    recalibration
        Batches of training images, as for `SupernetEvaluator`. If there are none, a path is scored with the statistics
        that training left.
    held_out
        Batches of images and labels that training never saw.
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
        """Return the accuracy of each row in percent, float64 of shape (n,); NaN if an output is not finite."""
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
        batches = zip(*(first.output(row.tolist()) for row in rows), strict=True)
        received = [torch.stack([output.permute(0, 2, 3, 1) for output in batch], 3) for batch in batches]
        recalibration = len(self._recalibration)
        logits = torch.cat(_recalibrated(grouped, grouped.after_stem, received, recalibration)[recalibration:], 1)
        correct = (logits.argmax(2) == self._labels).sum(1).numpy()
        finite = torch.isfinite(logits).flatten(1).all(1).numpy()
        return np.where(finite, 100 * correct / len(self._labels), np.nan)

    def _without_first_cell(self, shell: CellNetwork, row: Rows) -> CellNetwork:
        """Fill a stand-alone network with the supernet's parts of a path, except the first cell, and return it."""
        network = self._network
        parts = (_cell(part, row) if isinstance(part, SharedCell) else part for part in network.body[1:])
        shell.body = nn.Sequential(*parts)
        shell.last_norm, shell.classifier = network.last_norm, network.classifier
        return shell


class _FirstCell:
    """The outputs of the first cell for batches of images; the first batches recalibrate its batch norms."""

    def __init__(self, network: CellSupernet, images: Sequence[Tensor], recalibration: int) -> None:
        self._operations = cast(SharedCell, network.body[0]).edges
        self._recalibration = recalibration
        self._inputs = self._run(network.stem, images)
        self._outputs: dict[tuple[int, ...], Sequence[Tensor]] = {}
        self._late_outputs: dict[tuple[int, ...], Sequence[Tensor]] = {}
        self._late_genes: list[int] = []

    def output(self, genes: list[int]) -> Sequence[Tensor]:
        """Return the output node for each batch, shape (images, channels, height, width)."""
        genes_before = _genes_before(OUTPUT - 1, genes)
        if genes_before != self._late_genes:
            self._late_genes, self._late_outputs = genes_before, {}
        return self._node(OUTPUT, genes)

    def _node(self, node: int, genes: list[int]) -> Sequence[Tensor]:
        if node == 0:
            return self._inputs
        incoming = [
            self._edge(edge, source, genes)
            for edge, (source, target) in enumerate(EDGES)
            if target == node and genes[edge] != _NONE
        ]
        batches = zip(*incoming, strict=True) if incoming else ([torch.zeros_like(batch)] for batch in self._inputs)
        return [sum(batch[1:], batch[0]) for batch in batches]

    def _edge(self, edge: int, source: int, genes: list[int]) -> Sequence[Tensor]:
        """Return the output of an edge. Those of the last inner node are many, so only the current ones stay."""
        key = (edge, genes[edge], *_genes_before(source, genes))
        outputs = self._late_outputs if source == OUTPUT - 1 else self._outputs
        if key not in outputs:
            operations = cast(nn.ModuleDict, self._operations[edge])
            outputs[key] = self._run(operations[OPERATIONS[genes[edge]]], self._node(source, genes))
        return outputs[key]

    def _run(self, module: nn.Module, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        copy = deepcopy(module)
        return _recalibrated(copy, copy, inputs, self._recalibration)


def _genes_before(node: int, genes: list[int]) -> list[int]:
    """Return the genes that determine the value of a node."""
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
