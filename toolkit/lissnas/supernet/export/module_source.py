"""The Python file of one network, which needs only PyTorch, and the names of its weights there."""

from collections.abc import Iterable

import numpy as np
from torch import Tensor, nn

from lissnas.spaces.chain import Block, Chain, Convolution
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import Skeleton, used_edges
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.single_path_supernet import SinglePathCellNetwork
from lissnas.supernet.recipes.network_recipe import NetworkRecipe

_HEAD = '''"""{title}

Written by lissnas; needs PyTorch and nothing else:

    import torch
    from model import Network

    network = Network()
    network.load_state_dict(torch.load("model.pt", weights_only=True))
    logits = network.eval()(torch.zeros(1, {channels}, {size}, {size}))

config.json says how images become the input.
"""

import torch
from torch import Tensor, nn

'''

_CHAIN = '''
def convolutions(*described: tuple[int, int, int, int, int, bool]) -> nn.Sequential:
    """Return convolutions: input and output channels, kernel, stride, groups, and whether an activation follows."""
    modules: list[nn.Module] = []
    for inputs, outputs, kernel, stride, groups, activated in described:
        modules.append(nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False))
        modules.append(nn.BatchNorm2d(outputs))
        if activated:
            modules.append({activation}(inplace=True))
    return nn.Sequential(*modules)


class Residual(nn.Module):
    """Adds its input."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, features: Tensor) -> Tensor:
        return features + self.main(features)


class Shuffled(nn.Module):
    """Half of the channels bypass the branch."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((features[:, ::2], self.main(features[:, 1::2])), dim=1)


class Concatenated(nn.Module):
    """Two branches on the same input."""

    def __init__(self, main: nn.Module, side: nn.Module) -> None:
        super().__init__()
        self.main, self.side = main, side

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat((self.side(features), self.main(features)), dim=1)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
{stem}
        )
        self.layers = nn.Sequential(
{layers}
        )
        self.head = {head}
        self.dropout = nn.Dropout({dropout})
        self.classifier = nn.Linear({features}, {classes}, bias={bias})

    def forward(self, images: Tensor) -> Tensor:
        """Return logits for images of shape (images, channels, height, width)."""
        features = self.head(self.layers(self.stem(images)))
        return self.classifier(self.dropout(features.mean((2, 3))))
'''

_CELLS = '''EDGES = {edges}
"""The source and the target of each edge of a cell."""


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class ReLUConvolutionNorm(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = convolution(inputs, outputs, kernel, stride)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.norm(self.convolution(features.relu()))


def operation(name: str, channels: int) -> nn.Module:
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return ReLUConvolutionNorm(channels, channels, int(name[-1]))


class Cell(nn.Module):
    """Four nodes, each the sum of its incoming edges; edges without effect are absent."""

    def __init__(self, channels: int, operations: dict[int, str]) -> None:
        super().__init__()
        self.edges = nn.ModuleDict({{str(edge): operation(name, channels) for edge, name in operations.items()}})

    def forward(self, features: Tensor) -> Tensor:
        nodes = [features]
        for node in (1, 2, 3):
            total = torch.zeros_like(features)
            for edge, (source, target) in enumerate(EDGES):
                if target == node and str(edge) in self.edges:
                    total = total + self.edges[str(edge)](nodes[source])
            nodes.append(total)
        return nodes[3]


class PlainReduction(nn.Module):
    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d(2)
        self.widen = ReLUConvolutionNorm(channels, wider, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.widen(self.halve(features))


class ResidualReduction(nn.Module):
    def __init__(self, channels: int, wider: int) -> None:
        super().__init__()
        self.first = ReLUConvolutionNorm(channels, wider, 3, stride=2)
        self.second = ReLUConvolutionNorm(wider, wider, 3)
        self.halve = nn.AvgPool2d(2)
        self.widen = convolution(channels, wider, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.widen(self.halve(features)) + self.second(self.first(features))


OPERATIONS = {operations}
"""The operation on each edge of the cell that has an effect."""


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution({channels}, {width}, 3), nn.BatchNorm2d({width}))
        self.body = nn.Sequential(
{body}
        )
        self.last_norm = nn.BatchNorm2d({last})
        self.classifier = nn.Linear({last}, {classes})

    def forward(self, images: Tensor) -> Tensor:
        """Return logits for images of shape (images, channels, height, width)."""
        features = self.last_norm(self.body(self.stem(images))).relu()
        return self.classifier(features.mean((2, 3)))
'''


def module_source(network: NetworkRecipe, row: Rows) -> str:
    """Return the text of a Python file whose class `Network` is one architecture, a row of shape (genes,)."""
    space = network.search_space()
    [architecture] = space.write(row[None])
    title = f"{architecture}, an architecture of the space {space.name}."
    head = _HEAD.format(title=title, channels=network.input_channels, size=network.image_size)
    if network.skeleton is None:
        return head + _chain_source(network.chain().for_architecture(row))
    own = network.skeleton
    skeleton = Skeleton(own.channels, own.stages, own.cells, network.input_channels, network.classes, own.residual)
    return head + _cell_source(skeleton, row)


def plain_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return copies of all weights and statistics of a stand-alone network, by the names of its module file."""
    if isinstance(network, SinglePathCellNetwork):
        network = network.network
    weights = {name: values.detach().cpu().clone().contiguous() for name, values in network.state_dict().items()}
    if not isinstance(network, ChainNetwork):
        return weights
    return {_name_in_file(name): values for name, values in weights.items()}


def _name_in_file(name: str) -> str:
    """Return the name of a weight without the number of its block, which is 0 in the network of one architecture."""
    parts = name.split(".")
    return ".".join([*parts[:2], *parts[3:]]) if parts[0] == "layers" else name


def _chain_source(chain: Chain) -> str:
    activation = "nn.ReLU" if chain.activation_limit is None else "nn.ReLU6"
    return _CHAIN.format(
        activation=activation,
        stem=_lines(map(_block, chain.stem)),
        layers=_lines(_block(block) for [block] in chain.layers),
        head=_convolutions(chain.head),
        dropout=chain.dropout,
        features=chain.head[-1].outputs,
        classes=chain.classes,
        bias=chain.bias,
    )


def _block(block: Block) -> str:
    main = _convolutions(block.main)
    match block.join:
        case "nothing":
            return main
        case "add":
            return f"Residual({main})" if block.main else "nn.Identity()"
        case "shuffle":
            return f"Shuffled({main})"
        case "concatenate":
            return f"Concatenated({main}, {_convolutions(block.side)})"


def _convolutions(described: Iterable[Convolution]) -> str:
    each = ((c.inputs, c.outputs, c.kernel, c.stride, c.groups, c.activated) for c in described)
    return f"convolutions({', '.join(map(str, each))})"


def _cell_source(skeleton: Skeleton, row: Rows) -> str:
    used = np.flatnonzero(used_edges(np.asarray(row)[None])[0])
    widths = [skeleton.channels << stage for stage in range(skeleton.stages)]
    body: list[str] = []
    for stage, width in enumerate(widths):
        if stage > 0:
            reduction = "ResidualReduction" if skeleton.residual else "PlainReduction"
            body.append(f"{reduction}({widths[stage - 1]}, {width})")
        body += [f"Cell({width}, OPERATIONS)"] * skeleton.cells
    return _CELLS.format(
        edges=EDGES,
        operations={int(edge): OPERATIONS[row[edge]] for edge in used},
        channels=skeleton.inputs,
        width=widths[0],
        body=_lines(body),
        last=widths[-1],
        classes=skeleton.classes,
    )


def _lines(modules: Iterable[str]) -> str:
    return "\n".join(f"            {module}," for module in modules)
