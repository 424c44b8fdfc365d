"""torch.compile captures each fixed part of the supernets; it does not capture torch's own modules."""

import numpy as np
import pytest
import torch
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.recipes.recipe_file import read_recipe
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter


@pytest.mark.parametrize("recipe", ["abs-mobilenet", "spos", "fairnas", "nas-bench-macro", "nas-bench-201"])
def test_every_part_is_captured_as_one_graph(recipe: str) -> None:
    """One part of each structure is captured. Pooling and identity are single operations, and left out."""
    network = read_recipe(recipe, ()).network.build(np.random.default_rng(0)).eval()
    inputs = _inputs(network)
    parts = [part for part in network.fixed_parts() if not isinstance(part, nn.Identity | nn.AvgPool2d)]
    of_structure = {tuple(map(type, part.modules())): part for part in parts}
    assert len(of_structure) >= 3
    for part in of_structure.values():
        torch._dynamo.reset()
        captured = CompileCounter()
        part.compile(backend=captured)
        part(inputs[part])
        assert captured.frame_count == 1, part


def _inputs(network: Supernet) -> dict[nn.Module, Tensor]:
    """Return an input of each part, from paths that go through all parts."""
    inputs: dict[nn.Module, Tensor] = {}

    def keep(part: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        inputs[part] = arguments[0]

    hooks = [part.register_forward_pre_hook(keep) for part in network.fixed_parts()]
    with torch.no_grad():
        for gene in range(max(network.space.choices)):
            network(torch.zeros(1, 3, 32, 32), [min(gene, choices - 1) for choices in network.space.choices])
    for hook in hooks:
        hook.remove()
    return inputs
