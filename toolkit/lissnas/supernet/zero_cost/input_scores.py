"""Scores from how an untrained network tells images apart: jacob_cov, NWOT, Zen."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.zero_cost.scored_network import ScoredNetwork

_JACOB_COV_OFFSET = 1e-5
"""Added to eigenvalues, as in the authors' program."""

_ZEN_STEP = 0.01
"""Size of the perturbation of the images, as in the authors' program."""


def jacob_cov(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return how little the gradients of different images correlate; NaN if an image has no gradient.

    The gradients are those of the sum of the logits for each image. With the eigenvalues v of their correlations the
    score is -sum(ln(v + k) + 1 / (v + k)), k = 1e-5. Mellor et al., "Neural Architecture Search without Training",
    2020 (first version).
    """
    images = batch[0].clone().requires_grad_()
    [gradient] = torch.autograd.grad(network(images).sum(), images, allow_unused=True, materialize_grads=True)
    correlations = torch.corrcoef(gradient.flatten(1).double())
    if not correlations.isfinite().all():
        return math.nan
    eigenvalues = torch.linalg.eigvalsh(correlations) + _JACOB_COV_OFFSET
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


def nwot(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the log determinant of the agreement of activation patterns; NaN if two images have the same pattern.

    The pattern of an image says which inputs of activations are positive. The agreement of two images is the number of
    inputs with the same sign. Mellor et al., "Neural Architecture Search without Training", ICML 2021.
    """
    recorder = _ActivationPatterns()
    with torch.no_grad(), recorder:
        network(batch[0])
    agreement = torch.zeros(len(batch[0]), len(batch[0]), dtype=torch.float64)
    for pattern in recorder.patterns:
        positive = pattern.flatten(1).float()
        agreement += (positive @ positive.T + (1 - positive) @ (1 - positive).T).double()
    sign, log_determinant = torch.linalg.slogdet(agreement)
    return float(log_determinant) if sign > 0 else math.nan


def zen(network: ScoredNetwork, batch: LabeledBatch, rng: np.random.Generator) -> float:
    """Return ln(mean over images of the sum of |f(x + 0.01 e) - f(x)|) plus the logarithms of all batch-norm scales.

    f is the network before the mean over pixels, with normal weights; x and e are normal noise. The scale of a batch
    norm is the root of the mean of its running variances. Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance
    Image Recognition", ICCV 2021, with one repetition.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
    images = batch[0]
    noise = torch.from_numpy(rng.normal(size=tuple(images.shape))).to(images.dtype)
    with torch.no_grad():
        change = network.features(images + _ZEN_STEP * noise) - network.features(images)
        response = change.abs().flatten(1).sum(1).mean().double()
        variances = [norm.running_var.mean().double() for norm in norms if norm.running_var is not None]
    return float(response.log() + torch.stack(variances).sqrt().log().sum()) if response > 0 else math.nan


class _ActivationPatterns(TorchFunctionMode):
    """Records which inputs of each ReLU or ReLU6 are positive."""

    def __init__(self) -> None:
        super().__init__()
        self.patterns: list[Tensor] = []

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__name__", "").rstrip("_") in ("relu", "hardtanh"):
            self.patterns.append(args[0] > 0)
        return function(*args, **(kwargs or {}))
