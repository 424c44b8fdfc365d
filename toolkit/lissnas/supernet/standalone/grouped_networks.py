"""GroupedNetworks: many stand-alone networks as one module, each with its own weights, on the same images.

The convolutions of n networks are one convolution in n groups; their batch norms are one over all their channels.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lissnas.spaces.published.cell201 import EDGES
from lissnas.supernet.networks.cell_network import (
    OUTPUT,
    Cell,
    CellNetwork,
    PlainReduction,
    ReLUConvolutionNorm,
    ResidualReduction,
)
from lissnas.supernet.standalone.grouped_tensor import (
    NetworkSubset,
    as_channels,
    as_networks,
    pooled,
    split_by_subset,
    sum_over_subsets,
)


class GroupedNetworks(nn.Module):
    """Networks of one skeleton, with copies of their weights, as one module.

    Parameters
    ----------
    networks
        At least one network. Their cells may differ.
    """

    def __init__(self, networks: Sequence[CellNetwork]) -> None:
        super().__init__()
        self.count = len(networks)
        self.stem = _Stems([network.stem[0] for network in networks])  # type: ignore[misc]
        self.stem_norm = _Norms([network.stem[1] for network in networks])  # type: ignore[misc]
        self.body = nn.Sequential()
        for parts in zip(*(network.body for network in networks), strict=True):
            self.body.append(_GROUPED_PARTS[type(parts[0])](parts))
        self.last_norm = _Norms([network.last_norm for network in networks])
        self.classifier = nn.Parameter(torch.stack([network.classifier.weight.T for network in networks]))
        self.bias = nn.Parameter(torch.stack([network.classifier.bias for network in networks])[:, None])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape (networks, images, classes) for images of shape (images, inputs, height, width)."""
        return self.after_stem(self.stem_norm(self.stem(images)))

    def after_stem(self, features: Tensor) -> Tensor:
        """Return the logits from the output of the stems, shape (images, height, width, networks, channels)."""
        last = self.last_norm(self.body(features)).relu()
        return torch.baddbmm(self.bias, last.mean((1, 2)).transpose(0, 1), self.classifier)


class _Stems(nn.Module):
    """The stem convolutions of all networks, on the same images, as one matrix product."""

    def __init__(self, convolutions: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.count = len(convolutions)
        self.width, self.padding = convolutions[0].kernel_size, cast(tuple[int, ...], convolutions[0].padding)
        self.weight = nn.Parameter(torch.cat([convolution.weight for convolution in convolutions]).detach())

    def forward(self, images: Tensor) -> Tensor:
        count, _, height, width = images.shape
        patches = functional.unfold(images, self.width, padding=self.padding).transpose(1, 2).flatten(0, 1)
        return (patches @ self.weight.flatten(1).T).view(count, height, width, self.count, -1)


class _Convolutions(nn.Module):
    """One convolution of each network, as one in groups."""

    def __init__(self, convolutions: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.count = len(convolutions)
        self.stride, self.padding = convolutions[0].stride, convolutions[0].padding
        self.weight = nn.Parameter(torch.cat([convolution.weight for convolution in convolutions]).detach())

    def forward(self, features: Tensor) -> Tensor:
        groups = features.shape[3]
        output = functional.conv2d(as_channels(features), self.weight, None, self.stride, self.padding, groups=groups)
        return as_networks(output, self.count)


class _Norms(nn.Module):
    """One batch norm of each network, as one over all their channels."""

    def __init__(self, norms: Sequence[nn.BatchNorm2d]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(sum(norm.num_features for norm in norms))
        for name, joined in (*self.norm.named_parameters(), *self.norm.named_buffers()):
            if joined.ndim:
                joined.data = torch.cat([getattr(norm, name) for norm in norms]).detach()

    def forward(self, features: Tensor) -> Tensor:
        return as_networks(self.norm(as_channels(features)), features.shape[3])


class _ConvolutionNorms(nn.Module):
    """Convolution and batch norm of each network, without the ReLU, which all edges of a node share."""

    def __init__(self, blocks: Sequence[ReLUConvolutionNorm]) -> None:
        super().__init__()
        self.convolutions = _Convolutions([block.convolution for block in blocks])
        self.norms = _Norms([block.norm for block in blocks])

    def forward(self, positive: Tensor) -> Tensor:
        output: Tensor = self.norms(self.convolutions(positive))
        return output


class _PlainReductions(nn.Module):
    def __init__(self, blocks: Sequence[PlainReduction]) -> None:
        super().__init__()
        self.halve = blocks[0].halve
        self.widen = _ConvolutionNorms([block.widen for block in blocks])

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = self.widen(pooled(features, self.halve).relu_())
        return output


class _ResidualReductions(nn.Module):
    def __init__(self, blocks: Sequence[ResidualReduction]) -> None:
        super().__init__()
        self.first = _ConvolutionNorms([block.first for block in blocks])
        self.second = _ConvolutionNorms([block.second for block in blocks])
        self.halve = blocks[0].halve
        self.widen = _Convolutions([block.widen for block in blocks])

    def forward(self, features: Tensor) -> Tensor:
        main = self.second(self.first(features.relu()).relu_())
        return main.add_(self.widen(pooled(features, self.halve)))


class _Cells(nn.Module):
    """One cell of each network. On each edge, each operation is computed for the networks that have it there."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.count = len(cells)
        self.edge_operations = nn.ModuleList(
            _EdgeOperation(source, target, subset, [cells[number].edges[str(edge)] for number in subset])
            for edge, (source, target) in enumerate(EDGES)
            for subset in _subsets_by_operation(cells, edge)
        )

    def forward(self, features: Tensor) -> Tensor:
        incoming: list[list[tuple[NetworkSubset, Tensor]]] = [[] for _ in range(OUTPUT + 1)]
        value = features
        for node in range(OUTPUT):
            if node > 0:
                value = sum_over_subsets(incoming[node], features)
            outgoing = [edge for edge in cast(Iterable[_EdgeOperation], self.edge_operations) if edge.source == node]
            parts = split_by_subset(value, list(dict.fromkeys(edge.subset for edge in outgoing)))
            positive = {edge.subset: parts[edge.subset].relu() for edge in outgoing if edge.takes_relu}
            for edge in outgoing:
                part = (positive if edge.takes_relu else parts)[edge.subset]
                incoming[edge.target].append((edge.subset, edge(part)))
        return sum_over_subsets(incoming[OUTPUT], features)


_GROUPED_PARTS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    Cell: _Cells,
    PlainReduction: _PlainReductions,
    ResidualReduction: _ResidualReductions,
}


class _EdgeOperation(nn.Module):
    """One operation on one edge, for the subset of networks that have it there."""

    def __init__(self, source: int, target: int, subset: NetworkSubset, operations: Sequence[nn.Module]) -> None:
        super().__init__()
        self.source, self.target, self.subset = source, target, subset
        self.takes_relu = isinstance(operations[0], ReLUConvolutionNorm)
        self.operation = operations[0]
        if self.takes_relu:
            self.operation = _ConvolutionNorms(cast(Sequence[ReLUConvolutionNorm], operations))

    def forward(self, part: Tensor) -> Tensor:
        if isinstance(self.operation, nn.AvgPool2d):
            return pooled(part, self.operation)
        output: Tensor = self.operation(part)
        return output


def _subsets_by_operation(cells: Sequence[Cell], edge: int) -> Iterable[NetworkSubset]:
    """Return, for each operation that is used on an edge, the subset of cells that have it there."""
    subsets: dict[object, list[int]] = {}
    for number, cell in enumerate(cells):
        if str(edge) in cell.edges:
            operation = cell.edges[str(edge)]
            width = operation.convolution.kernel_size if isinstance(operation, ReLUConvolutionNorm) else ()
            subsets.setdefault((type(operation), width), []).append(number)
    return map(tuple, subsets.values())
