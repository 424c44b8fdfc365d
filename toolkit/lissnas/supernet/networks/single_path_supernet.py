"""A supernet with one path, so that the training of supernets also trains a single network."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
from torch import Tensor, nn

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import OPERATIONS
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet


def single_path_supernet(supernet: Supernet, row: Rows, rng: np.random.Generator) -> Supernet:
    """Return one architecture of a supernet with new weights, as a supernet whose only path is all zeros.

    Its batch norms scale and shift, even if those of the supernet do not.

    Parameters
    ----------
    supernet
        A supernet of a chain or of cells. Its weights are not used.
    row
        The architecture, shape (genes,).
    rng
        Draws the weights.

    Raises
    ------
    SettingError
        If the supernet is of another kind.
    """
    if isinstance(supernet, ChainNetwork):
        return ChainNetwork(supernet.chain.for_architecture(row), rng)
    if isinstance(supernet, CellSupernet):
        return SinglePathCellNetwork(row, supernet.skeleton, rng)
    raise SettingError(
        f"no stand-alone network of a {type(supernet).__name__} can be built: use a ChainNetwork or a CellSupernet"
    )


class SinglePathCellNetwork(Supernet):
    """The network of one cell of `cell201`, as a supernet.

    Parameters
    ----------
    row
        The genes of the cell, shape (6,).
    skeleton
        The layers around the cells.
    rng
        Draws the initial weights.
    """

    def __init__(self, row: Rows, skeleton: Skeleton, rng: np.random.Generator) -> None:
        super().__init__()
        self.row = row
        names = [(OPERATIONS[gene],) for gene in row]
        self.space = CategoricalSpace("one network of cell201", names, "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|")
        self.network = CellNetwork(row, skeleton, rng)

    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        logits: Tensor = self.network(images)
        return logits

    def stand_alone(self, row: Rows) -> CellNetwork:
        return deepcopy(self.network)

    def fixed_parts(self) -> Iterator[nn.Module]:
        yield self.network
