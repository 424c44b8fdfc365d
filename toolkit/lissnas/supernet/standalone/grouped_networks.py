"""Many stand-alone networks as one computation: each has its own weights, all see the same images.

A convolution of n networks is one convolution in n groups, and a batch norm is one of all their channels.
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
from lissnas.supernet.standalone.grouped_tensor import Members, as_channels, as_networks, collected, pooled, spread


class GroupedNetworks(nn.Module):
    """Networks of one skeleton, with copies of their weights, as one module.

    Parameters
    ----------
    networks
        At least one; the architectures may differ.
    """

    def __init__(self, networks: Sequence[CellNetwork]) -> None:
        super().__init__()
        self.count = len(networks)
        self.stem = _Stems([network.stem[0] for network in networks])  # type: ignore[misc]
        self.stem_norm = _Norms([network.stem[1] for network in networks])  # type: ignore[misc]
        self.body = nn.Sequential()
        for parts in zip(*(network.body for network in networks), strict=True):
            self.body.append(_TOGETHER[type(parts[0])](parts))
        self.last_norm = _Norms([network.last_norm for network in networks])
        self.classifier = nn.Parameter(torch.stack([network.classifier.weight.T for network in networks]))
        self.bias = nn.Parameter(torch.stack([network.classifier.bias for network in networks])[:, None])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape (networks, images, classes) for images of shape (images, inputs, height, width)."""
        return self.after_stem(self.stem_norm(self.stem(images)))

    def after_stem(self, received: Tensor) -> Tensor:
        """Return the logits from what the stems made, shape (images, height, width, networks, channels)."""
        last = self.last_norm(self.body(received)).relu()
        return torch.baddbmm(self.bias, last.mean((1, 2)).transpose(0, 1), self.classifier)


class _Stems(nn.Module):
    """A convolution of the same images for each network, as one product of matrices."""

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
    """A convolution for each network, as one in as many groups."""

    def __init__(self, convolutions: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        self.count = len(convolutions)
        self.stride, self.padding = convolutions[0].stride, convolutions[0].padding
        self.weight = nn.Parameter(torch.cat([convolution.weight for convolution in convolutions]).detach())

    def forward(self, received: Tensor) -> Tensor:
        groups = received.shape[3]
        made = functional.conv2d(as_channels(received), self.weight, None, self.stride, self.padding, groups=groups)
        return as_networks(made, self.count)


class _Norms(nn.Module):
    """A batch norm for each network; it is one of all their channels."""

    def __init__(self, norms: Sequence[nn.BatchNorm2d]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(sum(norm.num_features for norm in norms))
        for name, joined in (*self.norm.named_parameters(), *self.norm.named_buffers()):
            if joined.ndim:
                joined.data = torch.cat([getattr(norm, name) for norm in norms]).detach()

    def forward(self, received: Tensor) -> Tensor:
        return as_networks(self.norm(as_channels(received)), received.shape[3])


class _ConvolutionNorms(nn.Module):
    """Convolution and batch norm for each network; the ReLU before it is taken once for all edges of a node."""

    def __init__(self, blocks: Sequence[ReLUConvolutionNorm]) -> None:
        super().__init__()
        self.convolutions = _Convolutions([block.convolution for block in blocks])
        self.norms = _Norms([block.norm for block in blocks])

    def forward(self, positive: Tensor) -> Tensor:
        made: Tensor = self.norms(self.convolutions(positive))
        return made


class _PlainReductions(nn.Module):
    def __init__(self, blocks: Sequence[PlainReduction]) -> None:
        super().__init__()
        self.halve = blocks[0].halve
        self.widen = _ConvolutionNorms([block.widen for block in blocks])

    def forward(self, received: Tensor) -> Tensor:
        made: Tensor = self.widen(pooled(received, self.halve).relu_())
        return made


class _ResidualReductions(nn.Module):
    def __init__(self, blocks: Sequence[ResidualReduction]) -> None:
        super().__init__()
        self.first = _ConvolutionNorms([block.first for block in blocks])
        self.second = _ConvolutionNorms([block.second for block in blocks])
        self.halve = blocks[0].halve
        self.widen = _Convolutions([block.widen for block in blocks])

    def forward(self, received: Tensor) -> Tensor:
        main = self.second(self.first(received.relu()).relu_())
        return main.add_(self.widen(pooled(received, self.halve)))


class _Cells(nn.Module):
    """One cell of each network; an edge is taken operation by operation, each by the networks that have it there."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.count = len(cells)
        self.pieces = nn.ModuleList(
            _Piece(source, target, members, [cells[member].edges[str(edge)] for member in members])
            for edge, (source, target) in enumerate(EDGES)
            for members in _by_operation(cells, edge)
        )

    def forward(self, received: Tensor) -> Tensor:
        arriving: list[list[tuple[Members, Tensor]]] = [[] for _ in range(OUTPUT + 1)]
        value = received
        for node in range(OUTPUT):
            if node > 0:
                value = collected(arriving[node], received)
            leaving = [piece for piece in cast(Iterable[_Piece], self.pieces) if piece.source == node]
            wanted = list(dict.fromkeys(piece.members for piece in leaving))
            parts = spread(value, wanted)
            positive = {piece.members: parts[piece.members].relu() for piece in leaving if piece.takes_positive}
            for piece in leaving:
                part = (positive if piece.takes_positive else parts)[piece.members]
                arriving[piece.target].append((piece.members, piece(part)))
        return collected(arriving[OUTPUT], received)


_TOGETHER: dict[type[nn.Module], Callable[..., nn.Module]] = {
    Cell: _Cells,
    PlainReduction: _PlainReductions,
    ResidualReduction: _ResidualReductions,
}


class _Piece(nn.Module):
    """One operation on one edge, for the networks that have it there."""

    def __init__(self, source: int, target: int, members: Members, operations: Sequence[nn.Module]) -> None:
        super().__init__()
        self.source, self.target, self.members = source, target, members
        self.takes_positive = isinstance(operations[0], ReLUConvolutionNorm)
        self.operation = operations[0]
        if self.takes_positive:
            self.operation = _ConvolutionNorms(cast(Sequence[ReLUConvolutionNorm], operations))

    def forward(self, part: Tensor) -> Tensor:
        if isinstance(self.operation, nn.AvgPool2d):
            return pooled(part, self.operation)
        made: Tensor = self.operation(part)
        return made


def _by_operation(cells: Sequence[Cell], edge: int) -> Iterable[Members]:
    """Return which cells have the same operation on an edge, for each that is used there."""
    members: dict[object, list[int]] = {}
    for number, cell in enumerate(cells):
        if str(edge) in cell.edges:
            operation = cell.edges[str(edge)]
            width = operation.convolution.kernel_size if isinstance(operation, ReLUConvolutionNorm) else ()
            members.setdefault((type(operation), width), []).append(number)
    return map(tuple, members.values())
