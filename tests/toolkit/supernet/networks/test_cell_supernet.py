"""The supernet of cells: a path computes the same as its stand-alone network, at the stated cost."""

import numpy as np
import pytest
import torch
from lissnas.spaces.published.cell201 import OPERATIONS, cell201
from lissnas.spaces.published.cell201_costs import Cell201Costs
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.cell_network import Skeleton, used_edges
from lissnas.supernet.networks.cell_supernet import CellSupernet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

SKELETON = Skeleton(channels=4, stages=3, cells=2, inputs=3, classes=7, residual=True)

SIZE = 16

ROWS = cell201().sample(20, np.random.default_rng(1))


@pytest.fixture(scope="module")
def network() -> CellSupernet:
    """A supernet whose batch norms have statistics of some images."""
    torch.set_num_threads(1)
    network = CellSupernet(SKELETON, np.random.default_rng(0))
    torch.manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight, module.bias, module.running_mean, module.running_var):
                    values += torch.rand_like(values) / 2
    return network.eval()


def test_a_stand_alone_network_computes_the_same_as_its_path(network: CellSupernet) -> None:
    images = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        outputs = [network(images, row.tolist()) for row in ROWS]
        for row, output in zip(ROWS, outputs, strict=True):
            torch.testing.assert_close(network.stand_alone(row)(images), output, rtol=0, atol=0)
    assert len({output.sum().item() for output in outputs}) > 15


def test_the_cost_of_a_network_is_that_of_its_used_edges(network: CellSupernet) -> None:
    costs = Cell201Costs(SKELETON.channels, SKELETON.stages, SKELETON.cells, SKELETON.inputs, SIZE, SKELETON.classes)
    used = _without_unused_edges(ROWS)
    assert (used != ROWS).any()
    for row, parameters, macs in zip(used, costs.parameters(used), costs.multiply_accumulates(used), strict=True):
        alone = network.stand_alone(row)
        assert sum(weights.numel() for weights in alone.parameters()) == parameters
        with FlopCounterMode(display=False) as counter:
            alone(torch.rand(1, 3, SIZE, SIZE))
        assert counter.get_total_flops() == 2 * macs


def test_a_cell_computes_the_same_without_its_unused_edges(network: CellSupernet) -> None:
    images = torch.rand(2, 3, SIZE, SIZE)
    for row, used in zip(ROWS, _without_unused_edges(ROWS), strict=True):
        assert torch.equal(network(images, row.tolist()), network(images, used.tolist()))


def test_a_path_uses_only_the_operations_of_its_used_edges(network: CellSupernet) -> None:
    row = cell201().read(["|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"])
    network.zero_grad()
    network(torch.rand(2, 3, SIZE, SIZE), row[0].tolist()).sum().backward()
    reached = {
        tuple(name.split(".")[3:5])
        for name, weights in network.named_parameters()
        if ".edges." in name and weights.grad is not None
    }
    assert reached == {("1", "nor_conv_1x1"), ("5", "nor_conv_3x3")}


def _without_unused_edges(rows: Rows) -> Rows:
    return np.where(used_edges(rows), rows, OPERATIONS.index("none")).astype(np.uint8)
