"""Distance kernel: k(a, b) = exp(-d(a, b)), where d is a weighted distance of features.

d is half the sum of squared feature differences, each with a learned weight, so k is positive definite. Components
provide the features: choices of genes, counts of choices, histograms of a graph, cheap scores. The design is our own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats, Rows

Factor = tuple[str, float]
"""Name of a factor of a weight, and the prior standard deviation of its logarithm, whose prior mean is 0."""

_SCALE_SPREAD = 2.0
"""Prior standard deviation of the log of a factor of all weights (our own choice).

It is wide, because tables differ: cells trained on images are much smoother than networks of graphs.
"""


@dataclass(frozen=True)
class KernelComponent:
    """A group of features of a kernel.

    Attributes
    ----------
    features
        Returns the features of rows, shape (n, features).
    units
        Weight of each feature when every factor is 1, shape (features,).
    factors
        The factors of the weight of each feature. Factors with the same name, in any component, are the same parameter.
    """

    features: Callable[[Rows], Floats]
    units: Floats
    factors: Sequence[Sequence[Factor]]


class DistanceKernel:
    """The kernel over the features of several components, with log-normal priors on its weights.

    Attributes
    ----------
    prior_mean, prior_spread
        Mean and standard deviation of the normal prior of each parameter, shape (parameters,). A parameter is the log
        of a factor.
    """

    def __init__(self, components: Sequence[KernelComponent]) -> None:
        self._components = tuple(components)
        self._units: Floats = np.concatenate([component.units for component in components])
        spreads: dict[str, float] = {}
        scale = ("scale of all", _SCALE_SPREAD)
        by_feature = [[*factors, scale] for component in components for factors in component.factors]
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

    @property
    def feature_count(self) -> int:
        """Number of features of all components."""
        return len(self._units)

    def features(self, rows: Rows) -> Floats:
        """Return the features of each row, shape (n, features)."""
        return np.concatenate([component.features(rows) for component in self._components], axis=1)

    def __call__(self, parameters: Floats, a: Floats, b: Floats) -> Floats:
        """Return the kernel of all pairs of two batches of features, shape (len(a), len(b))."""
        scale = np.sqrt(self.weights(parameters))
        a, b = a * scale, b * scale
        similarity = a @ b.T
        similarity -= (a * a).sum(axis=1)[:, None] / 2
        similarity -= (b * b).sum(axis=1) / 2
        return np.exp(np.minimum(similarity, 0, out=similarity), out=similarity)

    def gradient(self, parameters: Floats, features: Floats, slopes: Floats) -> Floats:
        """Return the gradient of a function of the kernel matrix with respect to the parameters, shape (parameters,).

        `slopes` is the elementwise product of the matrix and the gradient of the function with respect to the matrix.
        It is symmetric, shape (n, n).
        """
        by_weight = (features * (slopes @ features)).sum(axis=0) - slopes.sum(axis=1) @ (features * features)
        return self._factors.T @ (self.weights(parameters) * by_weight)
