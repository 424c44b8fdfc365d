"""Choice kernel: two architectures are as alike as their choices are, gene by gene.

k(a, b) = exp(-d(a, b)): d adds over the genes, and is learned. It is a Hamming distance with a weight for every choice
of every gene, plus an ordinal distance with a weight for every gene; a gene that is no scale gets a small ordinal
weight, so that nothing need be marked. Both are squared distances of 0/1 features, so k is positive definite. Our own.
"""

from functools import cached_property

import numpy as np

from lissnas.space import Floats, Rows

_TOTAL_DISTANCE = 1.5
"""How far apart two architectures that differ in every gene lie before anything is learned; the same for each part."""

_GENE_SPREAD = 1.0
"""The prior's standard deviation of a gene's log weight, and of a choice's log weight in all genes at once."""

_CHOICE_SPREAD = 0.5
"""The prior's standard deviation by which one gene departs from what its choices weigh in all genes."""


class ChoiceKernel:
    """A product kernel over genes, with log-normal priors on its weights.

    Genes with equally many choices share a factor for each choice, as they mostly choose among the same operations;
    each gene scales it, and may depart from it.

    Parameters
    ----------
    choices
        How many choices each gene has.

    Attributes
    ----------
    prior_mean, prior_spread
        Of the normal prior on each parameter, shape (parameters,); a parameter is the log of a factor.
    """

    def __init__(self, choices: tuple[int, ...]) -> None:
        self._choices = choices
        self._parameters: dict[tuple[object, ...], float] = {}
        factors = [
            [
                self._parameter(("gene", gene), _GENE_SPREAD),
                self._parameter(("choice", count, choice), _GENE_SPREAD),
                self._parameter(("departure", gene, choice), _CHOICE_SPREAD),
            ]
            for gene, count in enumerate(choices)
            for choice in range(count)
        ] + [
            [self._parameter(("order", gene), _GENE_SPREAD)]
            for gene, count in enumerate(choices)
            for _ in range(count - 1)
        ]
        self.prior_spread: Floats = np.array(list(self._parameters.values()))
        self.prior_mean: Floats = np.zeros(len(self.prior_spread))
        self._factors: Floats = np.zeros((len(factors), len(self.prior_spread)))
        for feature, parameters in enumerate(factors):
            self._factors[feature, parameters] = 1

    def _parameter(self, name: tuple[object, ...], spread: float) -> int:
        """Return the place of a parameter; it is new the first time it is named."""
        self._parameters.setdefault(name, spread)
        return list(self._parameters).index(name)

    @cached_property
    def _unit_weights(self) -> Floats:
        """What each feature weighs where every parameter is 0."""
        unit = _TOTAL_DISTANCE / len(self._choices)
        ordinal = [2 * unit / (count - 1) for count in self._choices for _ in range(count - 1)]
        return np.array([unit] * sum(self._choices) + ordinal)

    def weights(self, parameters: Floats) -> Floats:
        """Return the weight of each feature, shape (features,)."""
        return self._unit_weights * np.exp(self._factors @ parameters)

    def features(self, rows: Rows) -> Floats:
        """Return what the kernel sees of each row, shape (n, features): choices one-hot, then the steps they top."""
        hot = [rows[:, gene, None] == np.arange(count) for gene, count in enumerate(self._choices)]
        steps = [rows[:, gene, None] > np.arange(count - 1) for gene, count in enumerate(self._choices)]
        return np.concatenate(hot + steps, axis=1).astype(np.float64)

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
