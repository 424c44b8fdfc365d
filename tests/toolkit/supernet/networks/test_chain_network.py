"""The supernet of a chain: a path computes the same as its stand-alone network, at the stated cost."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from lissnas.spaces.chain import Chain
from lissnas.spaces.published.macro import macro_chain
from lissnas.spaces.published.mobilenet import fairnas_chain, mobilenet_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.chain_network import ChainNetwork, ShuffledBlock
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

SMALL: dict[str, Callable[[], Chain]] = {
    "shufflenetv2": lambda: shufflenetv2_chain(classes=7, size=32),
    "mobilenet": lambda: mobilenet_chain(classes=7, size=32),
    "fairnas": lambda: fairnas_chain(classes=7, size=32),
    "macro": lambda: macro_chain(classes=7, size=16),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module", params=sorted(SMALL))
def network(request: pytest.FixtureRequest) -> ChainNetwork:
    """A supernet whose batch norms have statistics of some images."""
    network = ChainNetwork(SMALL[request.param](), np.random.default_rng(0))
    torch.manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight, module.bias, module.running_mean, module.running_var):
                    values += torch.rand_like(values) / 2
    return network.eval()


def _rows(network: ChainNetwork, count: int) -> Rows:
    return network.space.sample(count, np.random.default_rng(1))


def _images(chain: Chain, device: str = "cpu") -> torch.Tensor:
    return torch.rand(2, 3, chain.size, chain.size, device=device)


def test_a_stand_alone_network_computes_the_same_as_its_path(network: ChainNetwork) -> None:
    images = _images(network.chain)
    outputs = []
    with torch.no_grad():
        for row in _rows(network, 3):
            outputs.append(network(images, row.tolist()))
            alone = network.stand_alone(row)(images, [0] * len(row))
            torch.testing.assert_close(alone, outputs[-1], rtol=0, atol=0)
    assert not torch.allclose(outputs[0], outputs[1], rtol=1e-3)


def test_a_stand_alone_network_copies_its_weights(network: ChainNetwork) -> None:
    [row] = _rows(network, 1)
    theirs = {value.data_ptr() for value in network.state_dict().values()}
    assert not theirs & {value.data_ptr() for value in network.stand_alone(row).state_dict().values()}


def test_a_stand_alone_network_of_norms_without_scale_gets_identity_scales() -> None:
    network = ChainNetwork(SMALL["shufflenetv2"](), np.random.default_rng(0), affine=False)
    [row] = _rows(network, 1)
    alone = network.stand_alone(row)
    images = _images(network.chain)
    network.eval(), alone.eval()
    with torch.no_grad():
        torch.testing.assert_close(alone(images, [0] * len(row)), network(images, row.tolist()))
    assert network.chain.parameters(row[None])[0] == sum(weights.numel() for weights in alone.parameters())


def test_the_cost_of_a_network_is_that_of_its_chain(network: ChainNetwork) -> None:
    chain = network.chain
    for row in _rows(network, 2):
        alone = network.stand_alone(row)
        assert sum(weights.numel() for weights in alone.parameters()) == chain.parameters(row[None])[0]
        assert _measured(alone) == chain.multiply_accumulates(row[None])[0]


@pytest.mark.parametrize("make", [shufflenetv2_chain, mobilenet_chain, fairnas_chain])
def test_costs_are_correct_for_imagenet_images(make: Callable[[], Chain]) -> None:
    chain = make()
    [row] = chain.space.sample(1, np.random.default_rng(2))
    alone = ChainNetwork(chain.for_architecture(row), np.random.default_rng(0)).to("meta")
    assert _measured(alone) == chain.multiply_accumulates(row[None])[0]
    assert sum(weights.numel() for weights in alone.parameters()) == chain.parameters(row[None])[0]


def _measured(alone: ChainNetwork) -> int:
    """Count multiply-accumulates per image with torch, which counts two operations for each."""
    with FlopCounterMode(display=False) as counter:
        alone(_images(alone.chain, device=str(next(alone.parameters()).device))[:1], [0] * alone.space.genes)
    operations = counter.get_total_flops()
    assert operations % 2 == 0
    return operations // 2


def test_half_of_the_channels_bypass_a_shuffled_block() -> None:
    inputs = torch.arange(6.0).view(1, 6, 1, 1)
    assert ShuffledBlock(nn.Hardtanh(0, 4))(inputs).flatten().tolist() == [0, 2, 4, 1, 3, 4]


def test_a_skipped_layer_changes_nothing() -> None:
    chain = macro_chain(size=16)
    network = ChainNetwork(chain, np.random.default_rng(0)).eval()
    features = torch.rand(1, 64, 8, 8)
    assert network.layers[1][0](features) is features


def test_the_same_generator_draws_the_same_weights() -> None:
    chain = replace(macro_chain(size=16), classes=3)
    one, same, other = (ChainNetwork(chain, np.random.default_rng(seed)).state_dict() for seed in (4, 4, 5))
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(one["classifier.weight"], other["classifier.weight"])
