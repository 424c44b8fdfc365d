"""ScoredNetwork: the stand-alone network of one architecture, divided where zero-cost scores look."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.recipes.network_recipe import NetworkRecipe


class ScoredNetwork(nn.Module):
    """A chain of blocks, a tail, the mean over pixels, and a classifier. There is no dropout.

    Parameters
    ----------
    blocks
        The stem, and the blocks, cells and reductions after it.
    tail
        What follows before the mean over pixels.
    classifier
        From the channels to the logits.
    """

    def __init__(self, blocks: Sequence[nn.Module], tail: nn.Module, classifier: nn.Linear) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.tail = tail
        self.classifier = classifier

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Return the output of the stem and of each block."""
        outputs = []
        for block in self.blocks:
            images = block(images)
            outputs.append(images)
        return outputs

    def features(self, images: Tensor) -> Tensor:
        """Return the channels before the mean over pixels."""
        features: Tensor = self.tail(self.block_outputs(images)[-1])
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape (images, classes)."""
        logits: Tensor = self.classifier(self.features(images).mean((2, 3)))
        return logits

    @property
    def weighted_layers(self) -> list[nn.Conv2d | nn.Linear]:
        """All convolutions and the classifier: the layers whose weights scores sum over."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def scored_network(recipe: NetworkRecipe, row: Rows, rng: np.random.Generator) -> ScoredNetwork:
    """Return the network of one architecture in train mode.

    Parameters
    ----------
    recipe
        The space and the networks of its architectures.
    row
        The architecture, shape (genes,).
    rng
        Draws the initial weights: normal, with variance 2 / inputs for convolutions.
    """
    if recipe.skeleton is not None:
        own = recipe.skeleton
        skeleton = Skeleton(own.channels, own.stages, own.cells, recipe.input_channels, recipe.classes, own.residual)
        cell = CellNetwork(row, skeleton, rng)
        return ScoredNetwork([cell.stem, *cell.body], nn.Sequential(cell.last_norm, nn.ReLU()), cell.classifier)
    chain = ChainNetwork(recipe.chain().for_architecture(row), rng)
    layers = [blocks[0] for blocks in chain.layers]  # type: ignore[index]
    return ScoredNetwork([chain.stem, *layers], chain.head, chain.classifier)
