"""How far apart two float32 trainings may end that differ in nothing but the order of their sums."""

from collections.abc import Iterable
from math import sqrt

import torch
from torch import Tensor

EPSILON = torch.finfo(torch.float32).eps
"""2^-23: a float32 result is off by up to half of this share of its size."""


def largest_drift(pairs: Iterable[tuple[Tensor, Tensor]], steps: int, terms: int) -> float:
    """Return by how much a weight of one training may differ from the same weight of the other one.

    The bound holds for any order of the sums, and so for any processor and any number of threads.

    Each step rounds every weight once, by up to half of EPSILON of its size.
    The steps together round it by up to ``steps * EPSILON / 2`` of the largest weight.
    Each update is a sum of many terms, the shares of all pixels of all images.
    A sum of n terms takes n roundings, which have either sign, so they add up to about ``sqrt(n)`` of them.
    The updates together are therefore off by about ``EPSILON * sqrt(terms)`` of the way that they moved the weights.
    The weights of a network depend on each other, so the largest weight and the longest way count for all of them.
    Mistakes are far larger: the decay of one step alone moves a weight by some thousandths of its size.

    The bound needs a smooth network, such as `tiny_training.smooth_network` returns.
    At the kink of a ReLU, a number near zero falls on one side or the other by its last digit.
    One pixel's share of a gradient is then there or missing, which is hundreds of times more than a rounding.
    The bound also needs a short training: over hundreds of steps, differences grow by themselves.

    Parameters
    ----------
    pairs
        Each weight as it was before the training and after it.
    steps
        How many steps the training took.
    terms
        How many terms a sum has: images of a batch times pixels of the features.
    """
    rounded, moved = 0.0, 0.0
    for first, last in pairs:
        rounded = max(rounded, first.abs().max().item(), last.abs().max().item())
        moved = max(moved, (last - first).abs().max().item())
    return EPSILON * (steps / 2 * rounded + sqrt(terms) * moved)
