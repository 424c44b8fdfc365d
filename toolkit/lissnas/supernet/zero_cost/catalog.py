"""All zero-cost scores by name: the function of each, and the weights and images that its paper uses."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.zero_cost.az_nas import expressivity, progressivity, trainability
from lissnas.supernet.zero_cost.gradient_scores import fisher, grad_norm, grasp, snip, synflow, zico
from lissnas.supernet.zero_cost.input_scores import jacob_cov, nwot, zen
from lissnas.supernet.zero_cost.scored_network import ScoredNetwork

DrawWeights = Callable[[ScoredNetwork, np.random.Generator], None]


def draw_default_weights(network: ScoredNetwork, rng: np.random.Generator) -> None:
    """Draw weights as PyTorch does: uniform between ±1 / root of the inputs; biases are zero."""
    _draw(network, lambda inputs, shape: rng.uniform(-1, 1, shape) / np.sqrt(inputs))


def draw_he_weights(network: ScoredNetwork, rng: np.random.Generator) -> None:
    """Draw normal weights with variance 2 / inputs (He et al., 2015); biases are zero."""
    _draw(network, lambda inputs, shape: rng.normal(0, np.sqrt(2 / inputs), shape))


def draw_normal_weights(network: ScoredNetwork, rng: np.random.Generator) -> None:
    """Draw standard normal weights; biases are zero."""
    _draw(network, lambda inputs, shape: rng.normal(size=shape))


@dataclass(frozen=True)
class ZeroCostScore:
    """A score, and what its definition assumes.

    Attributes
    ----------
    compute
        Returns the score of a network on a batch; NaN where it is undefined. The generator draws noise. It may change
        the running statistics of batch norms, and nothing else.
    draw_weights
        Draws the initial weights of the network.
    on_noise
        Whether the images are standard normal noise.
    """

    compute: Callable[[ScoredNetwork, LabeledBatch, np.random.Generator], float]
    draw_weights: DrawWeights = draw_default_weights
    on_noise: bool = False


SCORES: dict[str, ZeroCostScore] = {
    "synflow": ZeroCostScore(lambda network, batch, rng: synflow(network, batch)),
    "jacob_cov": ZeroCostScore(lambda network, batch, rng: jacob_cov(network, batch)),
    "nwot": ZeroCostScore(lambda network, batch, rng: nwot(network, batch)),
    "snip": ZeroCostScore(lambda network, batch, rng: snip(network, batch)),
    "grasp": ZeroCostScore(lambda network, batch, rng: grasp(network, batch)),
    "grad_norm": ZeroCostScore(lambda network, batch, rng: grad_norm(network, batch)),
    "fisher": ZeroCostScore(lambda network, batch, rng: fisher(network, batch)),
    "zen": ZeroCostScore(zen, draw_normal_weights, on_noise=True),
    "zico": ZeroCostScore(lambda network, batch, rng: zico(network, batch)),
    "expressivity": ZeroCostScore(
        lambda network, batch, rng: expressivity(network, batch), draw_he_weights, on_noise=True
    ),
    "progressivity": ZeroCostScore(
        lambda network, batch, rng: progressivity(network, batch), draw_he_weights, on_noise=True
    ),
    "trainability": ZeroCostScore(trainability, draw_he_weights, on_noise=True),
}
"""Scores of a network. A larger score is better by its paper."""

COSTS = ("parameters", "flops")
"""Scores that follow from the description of a network: its parameters and its multiply-accumulates."""

SCORE_NAMES = (*COSTS, *SCORES)
"""The names of all scores."""


def _draw(
    network: ScoredNetwork, drawn: Callable[[int, tuple[int, ...]], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
) -> None:
    for layer in network.weighted_layers:
        inputs = layer.weight[0].numel()
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(drawn(inputs, tuple(layer.weight.shape))))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
