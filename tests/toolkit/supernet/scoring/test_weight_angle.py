"""Angles between initial and current weights: their definition, for chains and for cells."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import acos, sqrt

import numpy as np
import pytest
import torch
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution, inverted_bottleneck
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS, cell201
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet, SharedCell
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
from torch import Tensor, nn


def _chain() -> Chain:
    space = CategoricalSpace("tiny", (("id", "k3", "k5"),) * 3, "{}-{}-{}")
    layer = (IDENTITY, inverted_bottleneck(4, 4, 3, 1, 2), inverted_bottleneck(4, 4, 5, 1, 2))
    stem = Block((Convolution(1, 4, 3, stride=2),))
    return Chain(space, 8, (stem,), (layer,) * 3, (Convolution(4, 6),), 10)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: weights.detach().clone() for name, weights in network.named_parameters()}


def _moved(network: Supernet) -> dict[str, Tensor]:
    """Move all weights at random, and return those before."""
    before = _weights(network)
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for weights in network.parameters():
            weights += torch.from_numpy(rng.normal(0, 0.3, tuple(weights.shape)).astype(np.float32))
    return before


def _angle(before: list[Tensor], now: list[Tensor]) -> float:
    one, other = (torch.cat([values.double().flatten() for values in each]) for each in (before, now))
    return acos(float(one @ other / (one.norm() * other.norm())))


def test_an_angle_by_hand() -> None:
    """Stem, block and classifier turn from (1, 1, 0, 0) to (1, 2, 2, 0): the cosine is 3 / (√2 · 3)."""
    space = CategoricalSpace("one layer", (("id", "conv"),), "{}")
    chain = Chain(space, 1, (Block((Convolution(1, 1),)),), ((IDENTITY, Block((Convolution(1, 1),))),), (), 2)
    network = _OneByOne(chain)
    initial = {
        "stem.0.0.weight": torch.ones(1, 1, 1, 1),
        "layers.0.1.0.weight": torch.ones(1, 1, 1, 1),
        "classifier.weight": torch.zeros(2, 1),
    }
    with torch.no_grad():
        network.stem[0][0].weight.fill_(1)
        network.layers[0][1][0].weight.fill_(2)
        network.classifier.weight.copy_(torch.tensor([[2.0], [0.0]]))
    angles = WeightAngleEvaluator(network, _weights(network) | initial)
    rows = np.array([[0], [1]], dtype=np.uint8)
    np.testing.assert_allclose(angles(rows), [acos(1 / sqrt(5)), acos(3 / (sqrt(2) * 3))])


class _OneByOne(ChainNetwork):
    """A chain network without a head, which the class requires."""

    def __init__(self, chain: Chain) -> None:
        head = (Convolution(1, 1),)
        super().__init__(Chain(chain.space, 1, chain.stem, chain.layers, head, 2), np.random.default_rng(0))
        self.head = nn.Sequential()


def test_angles_of_a_chain_are_those_of_the_kernels_of_its_stand_alone_networks() -> None:
    network = ChainNetwork(_chain(), np.random.default_rng(0))
    rows = network.space.all_rows()
    before = [network.stand_alone(row) for row in rows]
    initial = _moved(network)
    expected = [
        _angle(
            *(
                [each.detach() for each in alone.parameters() if each.ndim > 1]
                for alone in (first, network.stand_alone(row))
            )
        )
        for first, row in zip(before, rows, strict=True)
    ]
    angles = WeightAngleEvaluator(network, initial)(rows)
    np.testing.assert_allclose(angles, expected, rtol=1e-9)
    assert angles.std() > 0.001


PATHS = ((0, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2, 3))


def _along_paths(network: CellSupernet, row: Rows, weights: dict[str, Tensor]) -> Iterator[Tensor]:
    """Yield, as ABS defines it, the weights around the cells, and the kernels along each path of each cell."""
    yield from (values for name, values in weights.items() if ".edges." not in name)
    for place, part in enumerate(network.body):
        if not isinstance(part, SharedCell):
            continue
        for path in PATHS:
            edges = [EDGES.index(edge) for edge in pairwise(path)]
            if any(OPERATIONS[row[edge]] == "none" for edge in edges):
                continue
            for edge in edges:
                operation = OPERATIONS[row[edge]]
                kernel = f"body.{place}.edges.{edge}.nor_conv_3x3.convolution.weight"
                if operation == "avg_pool_3x3":
                    yield torch.full((len(weights[kernel]), 3, 3), 1 / 9)
                elif operation != "skip_connect":
                    yield weights[kernel.replace("nor_conv_3x3", operation)]


@pytest.mark.parametrize("residual", [False, True])
def test_angles_of_cells_are_those_of_the_kernels_along_their_paths(residual: bool) -> None:
    network = CellSupernet(Skeleton(channels=4, stages=2, cells=2, residual=residual), np.random.default_rng(0))
    initial = _moved(network)
    rows = np.concatenate([network.space.sample(60, np.random.default_rng(1)), np.zeros((1, 6), dtype=np.uint8)])
    now = _weights(network)
    expected = [_angle(*(list(_along_paths(network, row, each)) for each in (initial, now))) for row in rows]
    np.testing.assert_allclose(WeightAngleEvaluator(network, initial)(rows), expected, rtol=1e-9)


def test_unchanged_and_scaled_weights_have_no_angle() -> None:
    network = ChainNetwork(_chain(), np.random.default_rng(0))
    initial = _weights(network)
    rows = network.space.all_rows()
    np.testing.assert_allclose(WeightAngleEvaluator(network, initial)(rows), 0, atol=1e-7)
    with torch.no_grad():
        for weights in network.parameters():
            weights *= 3
    np.testing.assert_allclose(WeightAngleEvaluator(network, initial)(rows), 0, atol=1e-7)


def test_the_initial_weights_of_another_network_are_refused() -> None:
    network = ChainNetwork(_chain(), np.random.default_rng(0))
    with pytest.raises(SettingError, match="the initial weights are those of another network"):
        WeightAngleEvaluator(network, {})


class _OtherNetwork(Supernet):
    space = cell201()

    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        return images

    def stand_alone(self, row: Rows) -> nn.Module:
        return self

    def fixed_parts(self) -> Iterator[nn.Module]:
        yield self


def test_networks_without_a_defined_angle_are_refused() -> None:
    with pytest.raises(
        SettingError, match="angles of _OtherNetwork are not defined: pass a ChainNetwork or a CellSupernet"
    ):
        WeightAngleEvaluator(_OtherNetwork(), {})
