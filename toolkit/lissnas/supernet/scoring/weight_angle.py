"""The angle by which training has turned the weights of a path: the score of ABS, which needs no images.

Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020: the angle between the initial
and the current weights of a network, each concatenated into one vector. Details follow the authors' code. In a chain
the vector has the kernels of stem, blocks, head and classifier, without batch norms and biases. In a cell network it
has everything around the cells, including batch norms, and for each open path from a cell's input to its output the
kernels along it; a kernel on several paths counts several times. A pooling counts as kernels of 1/9, an identity as
nothing, and the operation `none` closes all paths through its edge.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from lissnas.errors import SettingError
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.spaces.space import Floats, Rows
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet

CELL_PATHS = ((3,), (1, 5), (0, 4), (0, 2, 5))
"""The edges along each path from a cell's input to its output."""

_POOLING = 9
"""Number of pixels that a pooling averages."""


class WeightAngleEvaluator:
    """Scores rows by the angle between initial and current weights in radians; pass it to `shrink` like any evaluator.

    The constructor computes three sums for each choice of each gene, from which all angles follow. Later training does
    not change the scores.

    Parameters
    ----------
    network
        The supernet with the current weights: a `ChainNetwork` or a `CellSupernet`.
    initial
        The initial weights by name, as in `state_dict`.

    Raises
    ------
    SettingError
        If the network is of another class, or the initial weights are of another network.
    """

    def __init__(self, network: Supernet, initial: Mapping[str, Tensor]) -> None:
        self._space = network.space
        current = {name: weights.detach() for name, weights in network.named_parameters()}
        if any(name not in initial or initial[name].shape != weights.shape for name, weights in current.items()):
            raise SettingError("the initial weights are those of another network")
        if isinstance(network, ChainNetwork):
            self._around, self._sums = _chain_sums(network, current, initial)
            self._paths: Sequence[Sequence[int]] = [[gene] for gene in range(network.space.genes)]
            self._closes: int | None = None
        elif isinstance(network, CellSupernet):
            self._around, self._sums = _cell_sums(network, current, initial)
            self._paths = CELL_PATHS
            self._closes = OPERATIONS.index("none")
        else:
            raise SettingError(
                f"angles of {type(network).__name__} are not defined: pass a ChainNetwork or a CellSupernet"
            )

    def __call__(self, rows: Rows) -> Floats:
        """Return the angle of each row in radians, float64 of shape (n,); NaN if all weights are zero."""
        rows = self._space.checked(rows)
        added = self._sums[np.arange(rows.shape[1]), rows]
        total = np.tile(self._around, (len(rows), 1))
        for path in self._paths:
            edges = list(path)
            sums = added[:, edges].sum(axis=1)
            total += sums if self._closes is None else sums * (rows[:, edges] != self._closes).all(axis=1)[:, None]
        product, before, now = total.T
        with np.errstate(invalid="ignore"):
            return np.arccos(np.clip(product / np.sqrt(before * now), -1, 1))


def _chain_sums(
    network: ChainNetwork, current: Mapping[str, Tensor], initial: Mapping[str, Tensor]
) -> tuple[Floats, Floats]:
    around = np.zeros(3)
    sums = np.zeros((network.space.genes, max(network.space.choices), 3))
    for name, weights in current.items():
        if weights.ndim > 1:
            first, *rest = name.split(".")
            place = sums[int(rest[0]), int(rest[1])] if first == "layers" else around
            place += _products(initial[name], weights)
    return around, sums


def _cell_sums(
    network: CellSupernet, current: Mapping[str, Tensor], initial: Mapping[str, Tensor]
) -> tuple[Floats, Floats]:
    around = np.zeros(3)
    sums = np.zeros((len(EDGES), len(OPERATIONS), 3))
    for name, weights in current.items():
        parts = name.split(".")
        if "edges" not in parts:
            around += _products(initial[name], weights)
        elif weights.ndim > 1:
            place = parts.index("edges")
            sums[int(parts[place + 1]), OPERATIONS.index(parts[place + 2])] += _products(initial[name], weights)
            if parts[place + 2] == "nor_conv_3x3":
                channels = len(weights)
                sums[int(parts[place + 1]), OPERATIONS.index("avg_pool_3x3")] += channels / _POOLING
    return around, sums


def _products(initial: Tensor, current: Tensor) -> Floats:
    """Return the scalar product of two kernels, and of each with itself."""
    before, now = (values.detach().cpu().double().numpy().ravel() for values in (initial, current))
    return np.array([before @ now, before @ before, now @ now])
