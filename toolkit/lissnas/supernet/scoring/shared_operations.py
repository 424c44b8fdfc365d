"""SharedOperations: what some paths of a supernet compute, each operation once for all paths that share it.

The output of an operation in a path depends only on the operations before it, and so do the statistics of its batch
norms. Paths that start with the same blocks therefore share the computation of these blocks, with the same bits.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.supernet.networks.cell_network import OUTPUT, used_edges
from lissnas.supernet.networks.cell_supernet import CellSupernet, SharedCell
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.batch_norm_recalibration import explain_single_values

_IMAGES = 0
"""Number of the value from which all paths start."""

_SKIP = OPERATIONS.index("skip_connect")


class SharedOperations:
    """The operations of some paths of a supernet, with batch-norm statistics for each of them.

    Chains and cells share operations; in other supernets each path is one operation. `outputs` stores, for one batch of
    images, the values that later operations need: in a chain at most the output of each layer in which paths separate,
    in a cell at most the output of each operation of each edge. The statistics of n paths take at most n times the
    memory of one path's.

    Parameters
    ----------
    network
        The supernet, in evaluation mode.
    paths
        The genes of each path, shape (paths, genes). Sorted paths store the fewest values.
    """

    def __init__(self, network: Supernet, paths: Sequence[Sequence[int]]) -> None:
        self._network = network
        self._classify = partial(_classify, network)
        self._numbers: dict[tuple[object, tuple[int, ...]], int] = {}
        self._operations: list[_Operation] = []
        self._statistics: list[list[_Statistics]] = []
        self._paths_of: dict[int, list[int]] = {}
        for number, path in enumerate(paths):
            self._paths_of.setdefault(self._add_path(path), []).append(number)
        self._last_use = {value: number for number, each in enumerate(self._operations, 1) for value in each.inputs}

    def __len__(self) -> int:
        """Return the number of distinct operations."""
        return len(self._operations)

    @contextmanager
    def borrowed_norms(self) -> Iterator[None]:
        """Let the network's batch norms take the statistics of operations; on exit they have their own again."""
        norms = [module for module in self._network.modules() if isinstance(module, _BatchNorm)]
        before = [(norm.running_mean, norm.running_var, norm.num_batches_tracked, norm.momentum) for norm in norms]
        try:
            for norm in norms:
                norm.num_batches_tracked = None  # saves a kernel for each batch norm; with a momentum it has no effect
            yield
        finally:
            for norm, values in zip(norms, before, strict=True):
                norm.running_mean, norm.running_var, norm.num_batches_tracked, norm.momentum = values
                norm.training = False

    def recalibrate(self, number: int, images: Tensor) -> None:
        """Add a batch of images to the means of all statistics; the first batch has the number 0.

        Without any batch, all batch norms have the statistics that training left.
        """
        if number == 0:
            self._statistics = [[_Statistics.empty(norm) for norm in each.norms] for each in self._operations]
        norms = {norm for operation in self._operations for norm in operation.norms}
        for norm in norms:
            norm.training, norm.momentum = True, 1 / (number + 1)
        with explain_single_values():
            for _paths, _logits in self.outputs(images):
                pass
        for norm in norms:
            norm.training = False

    def outputs(self, images: Tensor) -> Iterator[tuple[list[int], Tensor]]:
        """Yield the logits of all paths, shape (images, classes), each with the numbers of the paths that have them."""
        values = {_IMAGES: images}
        for number, operation in enumerate(self._operations, 1):
            if self._statistics:
                for norm, own in zip(operation.norms, self._statistics[number - 1], strict=True):
                    norm.running_mean, norm.running_var = own.mean, own.variance
            value = operation.compute(*(values[place] for place in operation.inputs))
            for place in operation.inputs:
                if self._last_use[place] == number:
                    values.pop(place, None)
            if number in self._paths_of:
                yield self._paths_of[number], value
            else:
                values[number] = value

    def _add_path(self, path: Sequence[int]) -> int:
        """Add the operations of a path that do not exist yet; return the number of its output."""
        network = self._network
        if isinstance(network, ChainNetwork):
            value = self._add(network.stem, _IMAGES)
            for layer, gene in zip(network.layers, path, strict=True):
                value = self._add(layer[gene], value)  # type: ignore[index]
            return self._add(self._classify, self._add(network.head, value))
        if isinstance(network, CellSupernet):
            value = self._add(network.stem, _IMAGES)
            for part in network.body:
                value = self._add_cell(part, path, value) if isinstance(part, SharedCell) else self._add(part, value)
            return self._add(self._classify, self._add(network.last_norm, value))
        return self._add(partial(network, path=path), _IMAGES, norms_of=network)

    def _add_cell(self, cell: SharedCell, path: Sequence[int], value: int) -> int:
        nodes = [value]
        is_used = used_edges(np.array([path], dtype=np.uint8))[0]
        for node in range(1, OUTPUT + 1):
            incoming: list[int] = []
            for edge, (source, target) in enumerate(EDGES):
                if target == node and is_used[edge]:
                    operations, gene = cell.edges[edge], path[edge]
                    module = operations[OPERATIONS[gene]]  # type: ignore[index]
                    incoming.append(nodes[source] if gene == _SKIP else self._add(module, nodes[source]))
            if len(incoming) == 1:
                nodes += incoming
            else:
                nodes.append(self._add(_sum, *incoming) if incoming else self._add(torch.zeros_like, value))
        return nodes[OUTPUT]

    def _add(self, compute: Callable[..., Tensor], *inputs: int, norms_of: nn.Module | None = None) -> int:
        """Return the number of an operation's output; the operation is added if it does not exist."""
        number = self._numbers.setdefault((compute, inputs), len(self._operations) + 1)
        if number > len(self._operations):
            module = compute if isinstance(compute, nn.Module) else norms_of
            norms = () if module is None else tuple(each for each in module.modules() if isinstance(each, _BatchNorm))
            self._operations.append(_Operation(compute, inputs, norms))
        return number


@dataclass(frozen=True)
class _Operation:
    """A function of earlier values, by their numbers; its batch norms."""

    compute: Callable[..., Tensor]
    inputs: tuple[int, ...]
    norms: tuple[_BatchNorm, ...]


@dataclass(frozen=True)
class _Statistics:
    """The running statistics of a batch norm in one operation."""

    mean: Tensor
    variance: Tensor

    @classmethod
    def empty(cls, norm: _BatchNorm) -> "_Statistics":
        """Return statistics without any batch, on the device of the batch norm."""
        mean = torch.zeros_like(cast(Tensor, norm.running_mean))
        return cls(mean, torch.ones_like(mean))


def _sum(first: Tensor, *others: Tensor) -> Tensor:
    return sum(others, first)


def _classify(network: Supernet, features: Tensor) -> Tensor:
    """Return the logits from the output of the head of a chain, or of the last batch norm of cells."""
    if isinstance(network, ChainNetwork):
        features = network.dropout(features.mean((2, 3)))
    else:
        features = features.relu().mean((2, 3))
    logits: Tensor = network.classifier(features)  # type: ignore[operator]
    return logits
