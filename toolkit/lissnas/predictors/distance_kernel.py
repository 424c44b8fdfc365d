"""Distance kernel: two architectures are as alike as what is seen of them is near, k(a, b) = exp(-d(a, b)).

d is half the sum of squared differences of features, each with a weight that is learned: k is positive definite.
Features come in parts: what a gene chooses, how often a choice is made, what a graph holds, a cheap score. Our own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats, Rows

Factor = tuple[str, float]
"""The name of a factor of a weight, and the standard deviation of the prior of its logarithm, which has mean 0."""


@dataclass(frozen=True)
class KernelComponent:
    """Features that belong together.

    Attributes
    ----------
    features
        Gives what is seen of each row, shape (n, features).
    units
        What each feature weighs where every factor is 1, shape (features,).
    factors
        For each feature the factors of its weight. Factors of one name, in any part of a kernel, are one.
    """

    features: Callable[[Rows], Floats]
    units: Floats
    factors: Sequence[Sequence[Factor]]


class DistanceKernel:
    """The kernel of several parts, with log-normal priors on its weights.

    Attributes
    ----------
    prior_mean, prior_spread
        Of the normal prior on each parameter, shape (parameters,); a parameter is the log of a factor.
    """

    def __init__(self, parts: Sequence[KernelComponent]) -> None:
        self._parts = tuple(parts)
        self._units: Floats = np.concatenate([part.units for part in parts])
        spreads: dict[str, float] = {}
        by_feature = [factors for part in parts for factors in part.factors]
        for factors in by_feature:
            spreads.update(factors)
        self.prior_spread: Floats = np.array(list(spreads.values()))
        self.prior_mean: Floats = np.zeros(len(spreads))
        place = {name: number for number, name in enumerate(spreads)}
        self._factors: Floats = np.zeros((len(by_feature), len(spreads)))
        for feature, factors in enumerate(by_feature):
            self._factors[feature, [place[name] for name, _spread in factors]] = 1

    def weights(self, parameters: Floats) -> Floats:
        """Return the weight of each feature, shape (features,)."""
        return self._units * np.exp(self._factors @ parameters)

    def features(self, rows: Rows) -> Floats:
        """Return what the kernel sees of each row, shape (n, features)."""
        return np.concatenate([part.features(rows) for part in self._parts], axis=1)

    def __call__(self, parameters: Floats, a: Floats, b: Floats) -> Floats:
        """Return the kernel of all pairs of two batches of features, shape (len(a), len(b))."""
        scale = np.sqrt(self.weights(parameters))
        a, b = a * scale, b * scale
        similarity = a @ b.T
        similarity -= (a * a).sum(axis=1)[:, None] / 2
        similarity -= (b * b).sum(axis=1) / 2
        return np.exp(np.minimum(similarity, 0, out=similarity), out=similarity)

    def gradient(self, parameters: Floats, features: Floats, slopes: Floats) -> Floats:
        """Return the derivative of a function of the kernel matrix by the parameters, shape (parameters,).

        `slopes` is the function's derivative by the matrix, times the matrix, entry by entry; symmetric, shape (n, n).
        """
        by_weight = (features * (slopes @ features)).sum(axis=0) - slopes.sum(axis=1) @ (features * features)
        return self._factors.T @ (self.weights(parameters) * by_weight)
