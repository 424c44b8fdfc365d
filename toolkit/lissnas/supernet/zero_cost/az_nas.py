"""The terms of AZ-NAS that need a network: expressivity, progressivity, trainability. The fourth is the FLOPs.

Lee and Ham, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search", CVPR 2024. Weights are normal with
variance 2 / inputs, and images are normal noise. The features are the outputs of the stem and of each block.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.zero_cost.scored_network import ScoredNetwork


def expressivity(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the sum over features of the entropy of the eigenvalues of the channels' covariance."""
    return float(_entropies(network, batch).sum())


def progressivity(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the smallest increase of that entropy from one feature to the next."""
    return float(_entropies(network, batch).diff().min())


def trainability(network: ScoredNetwork, batch: LabeledBatch, rng: np.random.Generator) -> float:
    """Return how near the blocks are to keeping the size of a gradient: the mean of 2 - s - 1 / s.

    s is the largest singular value of the mean product of the gradient at the input of a block and random signs at its
    output. Blocks that return their input are left out; NaN if there are no others.
    """
    outputs = network.block_outputs(batch[0])
    scores = []
    for before, after in pairwise(outputs):
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], tuple(after.shape))).to(after.dtype)
        if before.requires_grad and after.requires_grad:
            [gradient] = torch.autograd.grad(after, before, signs, allow_unused=True, materialize_grads=True)
        else:
            gradient = torch.zeros_like(before)
        if gradient.shape == signs.shape and torch.equal(gradient, signs):
            continue
        stride = before.shape[2] // after.shape[2]
        gradient = _pixels(functional.pixel_unshuffle(gradient, stride) if stride > 1 else gradient)
        largest = float(torch.linalg.matrix_norm(gradient.T @ _pixels(signs) / len(gradient), ord=2))
        scores.append(2 - largest - 1 / (largest + 1e-6))
    return float(np.mean(scores)) if scores else math.nan


def _entropies(network: ScoredNetwork, batch: LabeledBatch) -> Tensor:
    """Return the entropy of each feature, float64; NaN for a constant feature."""
    with torch.no_grad():
        features = [_pixels(feature).double() for feature in network.block_outputs(batch[0])]
    entropies = []
    for feature in features:
        centered = feature - feature.mean(0)
        eigenvalues = torch.linalg.eigvalsh(centered.T @ centered / len(centered))
        shares = eigenvalues / eigenvalues.sum()
        entropies.append(-(shares * (shares + 1e-8).log()).sum())
    return torch.stack(entropies)


def _pixels(features: Tensor) -> Tensor:
    """Return shape (images x pixels, channels)."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)
