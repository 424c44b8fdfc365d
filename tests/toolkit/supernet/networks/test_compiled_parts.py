"""What torch.compile is given of each supernet is captured by it: of torch's own modules it captures nothing."""

from itertools import islice

import numpy as np
import pytest
import torch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.recipe_file import read_recipe
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

PARTS = 10
"""Of each network: stem, head and the first layers."""


@pytest.mark.parametrize("recipe", ["abs-mobilenet", "spos", "fairnas", "nas-bench-macro", "nas-bench-201"])
def test_every_part_is_captured_whole(recipe: str) -> None:
    """But pooling and identity, which are one operation."""
    network = read_recipe(recipe, ()).network.build(np.random.default_rng(0)).eval()
    received = _received(network)
    parts = [part for part in islice(network.fixed_parts(), PARTS) if not isinstance(part, nn.Identity | nn.AvgPool2d)]
    assert len(parts) > 3
    for part in parts:
        torch._dynamo.reset()
        captured = CompileCounter()
        part.compile(backend=captured)
        part(received[part])
        assert captured.frame_count == 1, part


def _received(network: Supernet) -> dict[nn.Module, Tensor]:
    """Return what the parts get as their input on paths that together go through all."""
    received: dict[nn.Module, Tensor] = {}

    def keep(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        received[part] = inputs[0]

    hooks = [part.register_forward_pre_hook(keep) for part in network.fixed_parts()]
    with torch.no_grad():
        for gene in range(max(network.space.choices)):
            network(torch.zeros(1, 3, 32, 32), [min(gene, choices - 1) for choices in network.space.choices])
    for hook in hooks:
        hook.remove()
    return received
