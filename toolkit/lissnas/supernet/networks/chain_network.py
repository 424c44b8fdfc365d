"""ChainNetwork: the supernet of a chain of layers; each layer has all blocks, and a path uses one block per layer.

Blocks share no weights. The network of a chain with one block per layer is a stand-alone network.
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
    """Stem, layers, head, mean over pixels, dropout, classifier, built from the description of a chain.

    Parameters
    ----------
    chain
        The description of all layers and blocks.
    rng
        Draws the initial weights, in the order of the network's parameters.
    affine
        Whether batch norms scale and shift. The costs of a chain include the parameters of affine norms.

    Attributes
    ----------
    space
        The space of its architectures.
    """

    def __init__(self, chain: Chain, rng: np.random.Generator, affine: bool = True) -> None:
        super().__init__()
        self.chain = chain
        self.space = chain.space
        build = _ModuleBuilder(chain.activation_limit, affine)
        self.stem = CompilableSequential(*map(build.block, chain.stem))
        self.layers = nn.ModuleList(nn.ModuleList(map(build.block, layer)) for layer in chain.layers)
        self.head = build.convolutions(chain.head)
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
        """Return the network of one architecture with copies of its weights; its chain has one block per layer.

        Its path is all zeros. Its batch norms are affine, as in networks that are trained further. If those of the
        supernet are not, scale and shift start as the identity.
        """
        alone = ChainNetwork(self.chain.for_architecture(row), np.random.default_rng(0)).to(
            next(self.parameters()).device
        )
        weights = self.state_dict()
        with torch.no_grad():
            for name, value in alone.state_dict().items():
                shared_name = _name_in_supernet(name, row)
                if shared_name in weights:
                    value.copy_(weights[shared_name])
        return alone.train(self.training)

    def fixed_parts(self) -> Iterator[nn.Module]:
        yield from (self.stem, self.head)
        for layer in self.layers:
            yield from layer.children()


class ShuffledBlock(nn.Module):
    """Half of the channels bypass the branch, and are concatenated before its output (ShuffleNetV2)."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, features: Tensor) -> Tensor:
        """Return as many channels as the input has."""
        return torch.cat((features[:, ::2], self.main(features[:, 1::2])), dim=1)


class SideBlock(nn.Module):
    """Two branches on the same input; the output of the side branch is concatenated before that of the main branch."""

    def __init__(self, main: nn.Module, side: nn.Module) -> None:
        super().__init__()
        self.main, self.side = main, side

    def forward(self, features: Tensor) -> Tensor:
        """Return the channels of both branches."""
        return torch.cat((self.side(features), self.main(features)), dim=1)


class ResidualBlock(nn.Module):
    """The input is added to the output of the branch."""

    def __init__(self, main: nn.Module) -> None:
        super().__init__()
        self.main = main

    def forward(self, features: Tensor) -> Tensor:
        """Return the sum."""
        result: Tensor = features + self.main(features)
        return result


class _ModuleBuilder:
    """Builds modules from descriptions, all with the same activation and kind of batch norm."""

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
        for convolution in convolutions:
            modules += [
                nn.Conv2d(
                    convolution.inputs,
                    convolution.outputs,
                    convolution.kernel,
                    convolution.stride,
                    padding=convolution.kernel // 2,
                    groups=convolution.groups,
                    bias=False,
                ),
                nn.BatchNorm2d(convolution.outputs, affine=self._affine),
            ]
            if convolution.activated:
                modules.append(self._activation())
        return CompilableSequential(*modules)

    def _activation(self) -> nn.Module:
        return nn.ReLU(inplace=True) if self._ceiling is None else nn.Hardtanh(0, self._ceiling, inplace=True)


def _name_in_supernet(name: str, row: Rows) -> str:
    """Return the name in the supernet of a weight of a stand-alone network: ``layers.3.0`` there is another block."""
    parts = name.split(".")
    if parts[0] == "layers":
        parts[2] = str(row[int(parts[1])])
    return ".".join(parts)
