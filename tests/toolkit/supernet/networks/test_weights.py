"""Initial weights have the distributions of the papers' code, and a network without dropout refuses a rate."""

import numpy as np
import pytest
import tiny_training as tiny
import torch
from lissnas.errors import SettingError
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.weights import Initialization, draw_weights, set_dropout
from torch import nn


class _Layers(nn.Module):
    """A stem, a depthwise and a pointwise convolution, a batch norm, and a classifier, with many weights each."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 400, 3, bias=False)
        self.depthwise = nn.Conv2d(400, 400, 5, groups=400, bias=False)
        self.pointwise = nn.Conv2d(400, 50, 1, bias=False)
        self.norm = nn.BatchNorm2d(50)
        self.classifier = nn.Linear(50, 200)


@pytest.mark.parametrize(
    ("initialization", "deviations"),
    [
        ("fan-in", (np.sqrt(2 / 27), np.sqrt(2 / 25), np.sqrt(2 / 400), np.sqrt(1 / 50))),
        ("fan-out", (np.sqrt(2 / (9 * 400)), np.sqrt(2 / (25 * 400)), np.sqrt(2 / 50), 1 / np.sqrt(3 * 50))),
        ("spos", (0.01, 1, 1 / 400, 0.01)),
        ("torch", (1 / np.sqrt(3 * 27), 1 / np.sqrt(3 * 25), 1 / np.sqrt(3 * 400), 1 / np.sqrt(3 * 50))),
    ],
)
def test_weights_have_the_standard_deviations_of_the_papers_code(
    initialization: Initialization, deviations: tuple[float, ...]
) -> None:
    """The standard deviation of 9,600 normal draws is known to 0.7 %, so five such errors are 4 %."""
    layers = _Layers()
    draw_weights(layers, np.random.default_rng(0), initialization)
    drawn = [float(layer.weight.detach().std()) for layer in (layers.stem, layers.depthwise, layers.pointwise)]
    np.testing.assert_allclose([*drawn, float(layers.classifier.weight.detach().std())], deviations, rtol=0.04)
    assert bool(layers.classifier.bias.any()) == (initialization in ("fan-out", "torch"))
    assert float(layers.norm.bias.detach()[0]) == pytest.approx(1e-4 if initialization == "spos" else 0)


def test_pytorchs_distributions_have_the_bounds_of_pytorch() -> None:
    torch.manual_seed(0)
    theirs, ours = _Layers(), _Layers()
    draw_weights(ours, np.random.default_rng(0), "torch")
    for one, other in zip(theirs.parameters(), ours.parameters(), strict=True):
        assert float(other.detach().abs().max()) == pytest.approx(float(one.detach().abs().max()), rel=0.06)


def test_a_rate_sets_the_dropout_of_a_network_and_is_refused_without_one() -> None:
    network = tiny.smooth_network()
    set_dropout(network, 0.25)
    assert network.dropout.p == 0.25
    cells = CellSupernet(Skeleton(), np.random.default_rng(0))
    set_dropout(cells, 0.0)
    with pytest.raises(SettingError, match="have no dropout: leave dropout out"):
        set_dropout(cells, 0.2)
