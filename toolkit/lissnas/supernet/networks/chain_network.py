"""The network of a chain: all blocks of every layer, of which a path uses one each.

Every block has weights of its own. The network of a chain with one block a layer is a stand-alone one.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.spaces.chain import Block, Chain, Convolution
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.supernet import CompilableSequential, Supernet
from lissnas.supernet.networks.weights import draw_weights


class ChainNetwork(Supernet):
    """Stem, layers, head, mean over pixels, dropout, classifier; built from the description of a chain.

    Parameters
    ----------
    chain
        What it is made of.
    rng
        Draws the initial weights, in the order of the network's parameters.
    affine
        Whether batch norms scale and shift. The costs of a chain count what an affine norm has.

    Attributes
    ----------
    space
        The networks that it holds.
    """

    def __init__(self, chain: Chain, rng: np.random.Generator, affine: bool = True) -> None:
        super().__init__()
        self.chain = chain
        self.space = chain.space
        make = _Maker(chain.activation_limit, affine)
        self.stem = CompilableSequential(*map(make.block, chain.stem))
        self.layers = nn.ModuleList(nn.ModuleList(map(make.block, layer)) for layer in chain.layers)
        self.head = make.convolutions(chain.head)
        self.dropout = nn.Dropout(chain.dropout)
        self.classifier = nn.Linear(chain.head[-1].outputs, chain.classes, bias=chain.bias)
        draw_weights(self, rng)

    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        features: Tensor = self.stem(images)
        for layer, gene in zip(self.layers, path, strict=True):
            features = layer[gene](features)  # type: ignore[index]
        logits: Tensor = self.classifier(self.dropout(self.head(features).mean((2, 3))))
        return logits

    def stand_alone(self, row: Rows) -> "ChainNetwork":
        """As Supernet.stand_alone; the network is one of a chain with one block a layer, so its path is all zeros.

        Its batch norms are affine, as those of networks that are trained from here on; where those of this network are
        not, they begin as the identity.
        """
        alone = ChainNetwork(self.chain.for_architecture(row), np.random.default_rng(0)).to(
            next(self.parameters()).device
        )
        own = self.state_dict()
        with torch.no_grad():
            for name, value in alone.state_dict().items():
                within = _name_within(name, row)
                if within in own:
                    value.copy_(own[within])
        return alone.train(self.training)

    def fixed_parts(self) -> Iterator[nn.Module]:
        yield from (self.stem, self.head)
        for layer in self.layers:
            yield from layer.children()


class ShuffledBlock(nn.Module):
    """Every other channel passes by, and is put before what the rest becomes (ShuffleNetV2)."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, received: Tensor) -> Tensor:
        """Return as many channels as came."""
        return torch.cat((received[:, ::2], self.main(received[:, 1::2])), dim=1)


class SideBlock(nn.Module):
    """Two branches see the whole input; the side one's result is put before the main one's."""

    def __init__(self, main: nn.Module, side: nn.Module) -> None:
        super().__init__()
        self.main, self.side = main, side

    def forward(self, received: Tensor) -> Tensor:
        """Return the channels of both branches."""
        return torch.cat((self.side(received), self.main(received)), dim=1)


class ResidualBlock(nn.Module):
    """What came is added to the result."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, received: Tensor) -> Tensor:
        """Return the sum."""
        result: Tensor = received + self.main(received)
        return result


class _Maker:
    """Makes modules of descriptions, all with the same activation and kind of norm."""

    def __init__(self, ceiling: int | None, affine: bool) -> None:
        self._ceiling = ceiling
        self._affine = affine

    def block(self, block: Block) -> nn.Module:
        main = self.convolutions(block.main)
        match block.join:
            case "nothing":
                return main
            case "add":
                return ResidualBlock(main) if block.main else nn.Identity()
            case "shuffle":
                return ShuffledBlock(main)
            case "concatenate":
                return SideBlock(main, self.convolutions(block.side))

    def convolutions(self, convolutions: Sequence[Convolution]) -> CompilableSequential:
        modules: list[nn.Module] = []
        for made in convolutions:
            modules += [
                nn.Conv2d(
                    made.inputs,
                    made.outputs,
                    made.kernel,
                    made.stride,
                    padding=made.kernel // 2,
                    groups=made.groups,
                    bias=False,
                ),
                nn.BatchNorm2d(made.outputs, affine=self._affine),
            ]
            if made.activated:
                modules.append(self._activation())
        return CompilableSequential(*modules)

    def _activation(self) -> nn.Module:
        return nn.ReLU(inplace=True) if self._ceiling is None else nn.Hardtanh(0, self._ceiling, inplace=True)


def _name_within(name: str, row: Rows) -> str:
    """Return what the network of all paths calls a weight of one path: ``layers.3.0.main...`` is of another block."""
    parts = name.split(".")
    if parts[0] == "layers":
        parts[2] = str(row[int(parts[1])])
    return ".".join(parts)
