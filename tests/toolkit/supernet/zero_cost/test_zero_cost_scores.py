"""Zero-cost scores against the authors' programs, and against brute force."""

import math

import numpy as np
import pytest
import torch
from lissnas.errors import UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.recipes.network_recipe import NetworkRecipe, SkeletonRecipe
from lissnas.supernet.zero_cost.az_nas import expressivity, trainability
from lissnas.supernet.zero_cost.catalog import SCORE_NAMES, SCORES
from lissnas.supernet.zero_cost.gradient_scores import fisher, grad_norm, grasp, snip, synflow, zico
from lissnas.supernet.zero_cost.input_scores import jacob_cov, nwot
from lissnas.supernet.zero_cost.score_architectures import SPACES, ZeroCostTask, score_architectures
from lissnas.supernet.zero_cost.scored_network import ScoredNetwork, scored_network
from torch import Tensor, nn
from torch.nn import functional

CELL_0 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
UNREACHABLE = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SMALL = NetworkRecipe("cell201", 3, 4, 2, skeleton=SkeletonRecipe(channels=2, stages=1, cells=1, residual=False))


def network_of(string: str, recipe: NetworkRecipe) -> ScoredNetwork:
    network = scored_network(recipe, cell201().read([string])[0], np.random.default_rng(0)).double()
    for layer in network.weighted_layers:
        count, inputs = layer.weight.numel(), layer.weight[0].numel()
        k = torch.arange(count, dtype=torch.float64)
        wave = torch.sin(1.7 * k + 0.01 * k**2 / count + 0.3)
        layer.weight.data = (math.sqrt(4 / inputs) * wave).view_as(layer.weight)
    return network


def batch_of(images: int, channels: int, size: int, classes: int) -> LabeledBatch:
    k = torch.arange(images * channels * size**2, dtype=torch.float64)
    return torch.cos(0.37 * k + 1e-6 * k**2).view(images, channels, size, size), torch.arange(images) % classes


class _KeptNorm(nn.Module):
    """A batch norm that `synflow` does not recognize."""

    def forward(self, features: Tensor) -> Tensor:
        variance, mean = torch.var_mean(features, (0, 2, 3), correction=0, keepdim=True)
        return (features - mean) / (variance + 1e-5).sqrt()


@pytest.mark.slow
def test_scores_are_those_of_the_authors_programs() -> None:
    """The values were computed by zero-cost-nas, and NWOT, ZiCo and AZ-NAS by a program that is not ours."""
    network = network_of(CELL_0, NetworkRecipe("cell201", 10, 32, 3, skeleton=SkeletonRecipe()))
    batch = batch_of(16, 3, 32, 10)
    assert grad_norm(network, batch) == pytest.approx(14.643283)
    assert snip(network, batch) == pytest.approx(68.383387)
    assert grasp(network, batch) == pytest.approx(0.906729, abs=1e-6)
    assert fisher(network, batch) == pytest.approx(5.5453916)
    assert jacob_cov(network, batch) == pytest.approx(-19.192466)
    assert nwot(network, batch) == pytest.approx(189.962114)
    assert zico(network, batch) == pytest.approx(328.116, abs=1e-3)
    assert expressivity(network, batch) == pytest.approx(7.648818, abs=1e-6)
    for number in (6, 12):  # that program keeps the batch norms of the reductions
        network.blocks[number].first.norm = _KeptNorm()  # type: ignore[union-attr]
        network.blocks[number].second.norm = _KeptNorm()  # type: ignore[union-attr]
    assert synflow(network, batch) == pytest.approx(54.9415566)


def test_the_synaptic_flow_of_a_chain_is_the_same_through_each_layer() -> None:
    network = network_of("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|", SMALL)
    weights = [layer.weight.detach().abs() for layer in network.weighted_layers]
    features = torch.ones(1, 2, 4, 4, dtype=torch.float64)
    for weight in weights[:-1]:
        features = functional.conv2d(features, weight, padding=weight.shape[2] // 2)
    total = functional.linear(features.mean((2, 3)), weights[-1]).sum()
    assert synflow(network, batch_of(2, 2, 4, 3)) == pytest.approx(math.log(len(weights) * total))


def test_grasp_is_the_slope_of_the_squared_gradient_along_the_weights() -> None:
    network, batch = network_of(CELL_0, SMALL), batch_of(4, 2, 4, 3)

    def half_square(scale: float) -> float:
        scaled = network_of(CELL_0, SMALL)
        for layer in scaled.weighted_layers:
            layer.weight.data *= scale
        loss = functional.cross_entropy(scaled(batch[0]), batch[1])
        gradients = torch.autograd.grad(loss, [layer.weight for layer in scaled.weighted_layers])
        return sum(gradient.square().sum().item() for gradient in gradients) / 2

    step = 1e-5
    slope = (half_square(1 + step) - half_square(1 - step)) / (2 * step)
    assert grasp(network, batch) == pytest.approx(-slope, rel=1e-5)


def test_nwot_counts_the_activations_on_which_two_images_agree() -> None:
    network, batch = network_of("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", SMALL), batch_of(4, 2, 4, 3)
    inputs = network.tail[0](network.blocks[1](network.blocks[0](batch[0]))).flatten(1) > 0  # type: ignore[index]
    agreement = (inputs[:, None] == inputs[None]).sum(2).double()
    assert nwot(network, batch) == pytest.approx(torch.linalg.slogdet(agreement)[1].item())


def test_a_block_that_keeps_gradients_is_most_trainable() -> None:
    class Rotated(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return -features

    network = network_of(CELL_0, SMALL)
    batch = batch_of(4096, 2, 1, 3)
    network.blocks = nn.ModuleList([network.blocks[0], Rotated()])
    assert trainability(network, batch, np.random.default_rng(0)) == pytest.approx(0, abs=2e-3)
    network.blocks[1] = nn.Identity()
    assert math.isnan(trainability(network, batch, np.random.default_rng(0)))


@pytest.mark.parametrize("space", SPACES)
def test_every_score_of_every_space_is_a_number_that_its_seed_repeats(space: str) -> None:
    task = ZeroCostTask(space, "digits")
    row = task.network.search_space().sample(1, np.random.default_rng(3))
    names = ("nwot", "trainability") if space != "cell201" else SCORE_NAMES
    scores = score_architectures(task, row, names)
    assert tuple(scores) == names
    assert all(np.isfinite(values).all() for values in scores.values())
    repeated = score_architectures(task, np.repeat(row, 2, axis=0), names[:2])
    assert all((repeated[name] == scores[name]).all() for name in names[:2])


def test_isomorphic_cells_have_the_same_scores() -> None:
    alone = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    after_a_skip = "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_3x3~1|none~2|"
    scores = score_architectures(ZeroCostTask("cell201", "digits"), cell201().read([alone, after_a_skip]), SCORE_NAMES)
    assert {name for name, (first, second) in scores.items() if first != second} == {"parameters", "flops"}


def test_a_cell_without_a_path_to_its_output_has_undefined_scores() -> None:
    task = ZeroCostTask("cell201", "digits")
    scores = score_architectures(task, cell201().read([UNREACHABLE]), SCORE_NAMES)
    undefined = {name for name, values in scores.items() if np.isnan(values).any()}
    assert undefined == {"synflow", "jacob_cov", "nwot", "zen", "expressivity", "progressivity"}


def test_costs_are_those_of_the_published_networks() -> None:
    scores = score_architectures(ZeroCostTask("cell201", "noise"), cell201().read([CELL_0]), ["parameters", "flops"])
    assert scores["parameters"].tolist() == [129_306]
    assert scores["flops"].tolist() == [15_647_370 - 10]  # the publication counts a bias as one operation


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'synflow'"):
        score_architectures(ZeroCostTask("cell201", "digits"), cell201().all_rows()[:1], ["synflwo"])
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        ZeroCostTask("cell201", "digit")
    with pytest.raises(UnknownNameError, match="space with networks"):
        ZeroCostTask("darts", "digits")
    assert set(SCORES) <= set(SCORE_NAMES)
