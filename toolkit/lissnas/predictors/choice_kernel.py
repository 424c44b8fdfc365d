"""Kernel components for genes: the choice of each gene, and the number of times that each choice occurs.

A nominal gene contributes 0 or 1 (Hamming distance), with a weight for every choice of every gene. An ordinal gene
contributes its squared difference in steps. Where several rows encode one network, it has the mean of their choices:
networks that compute the same function have equal features. A choice may have the same effect in every gene, so the
kernel also sees a histogram of the choices of nominal genes, and the sum of ordinal genes. The design is our own.
"""

from functools import partial

import numpy as np

from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.spaces.space import Floats, Rows, Space

_TOTAL_DISTANCE = 0.15
"""Prior kernel distance of two architectures that differ in every gene, for each component (our own choice)."""

_COUNT_DISTANCE = 0.01
"""Prior kernel distance of two architectures whose counts differ by one replaced choice (our own choice)."""

_SPREAD = 1.0
"""Prior standard deviation of the log weight of a gene, of a choice in all genes, and of a count (our own choice)."""

_DEPARTURE_SPREAD = 0.5
"""Prior standard deviation of the log weight of a choice in one gene, relative to all genes (our own choice)."""


def choice_components(space: Space) -> list[KernelComponent]:
    """Return the kernel components of the genes of a space.

    Genes with the same number of choices share the weights of their choices and one histogram, because they mostly
    choose among the same operations.
    """
    nominal = [gene for gene in range(space.genes) if not space.ordinal[gene]]
    ordinal = [gene for gene in range(space.genes) if space.ordinal[gene] and space.choices[gene] > 1]
    components = []
    if nominal:
        components += [_changes(space, nominal), *(_counts(space, genes) for genes in _by_choices(space, nominal))]
    if ordinal:
        components += [_steps(space, ordinal), *(_sums(space, genes) for genes in _by_choices(space, ordinal))]
    return components


def _by_choices(space: Space, genes: list[int]) -> list[list[int]]:
    """Return the genes grouped by their number of choices."""
    counts = sorted({space.choices[gene] for gene in genes})
    return [[gene for gene in genes if space.choices[gene] == count] for count in counts]


def _changes(space: Space, genes: list[int]) -> KernelComponent:
    pairs = [(gene, choice) for gene in genes for choice in range(space.choices[gene])]
    factors = [
        [
            (f"gene {gene}", _SPREAD),
            (f"choice {choice} of {space.choices[gene]}", _SPREAD),
            (f"gene {gene}, choice {choice}", _DEPARTURE_SPREAD),
        ]
        for gene, choice in pairs
    ]

    first = np.cumsum([0, *space.choices])
    columns = [first[gene] + choice for gene, choice in pairs]

    def shares(rows: Rows) -> Floats:
        return space.choice_shares(rows)[:, columns]

    return KernelComponent(shares, np.full(len(pairs), _TOTAL_DISTANCE / space.genes), factors)


def _counts(space: Space, genes: list[int]) -> KernelComponent:
    count = space.choices[genes[0]]
    factors = [[("count", _SPREAD), (f"count {choice} of {count}", _SPREAD)] for choice in range(count)]

    first = np.cumsum([0, *space.choices])
    columns = np.array([[first[gene] + choice for gene in genes] for choice in range(count)])

    def histogram(rows: Rows) -> Floats:
        return np.asarray(space.choice_shares(rows)[:, columns].sum(axis=2))

    return KernelComponent(histogram, np.full(count, _COUNT_DISTANCE), factors)


def _steps(space: Space, genes: list[int]) -> KernelComponent:
    highest = np.array([space.choices[gene] - 1 for gene in genes])
    factors = [[(f"scale {gene}", _SPREAD)] for gene in genes]
    # Twice the unit: an ordinal gene is one feature, and a changed nominal gene changes two.
    return KernelComponent(
        partial(_positions, genes, highest), np.full(len(genes), 2 * _TOTAL_DISTANCE / space.genes), factors
    )


def _sums(space: Space, genes: list[int]) -> KernelComponent:
    count = space.choices[genes[0]]
    highest = np.full(len(genes), count - 1)

    def total(rows: Rows) -> Floats:
        return _positions(genes, highest, rows).sum(axis=1, keepdims=True)

    return KernelComponent(total, np.array([_COUNT_DISTANCE]), [[("sum", _SPREAD), (f"sum of {count}", _SPREAD)]])


def _positions(genes: list[int], highest: Floats, rows: Rows) -> Floats:
    """Return the choice of each of the genes scaled to 0 to 1, shape (n, genes)."""
    return rows[:, genes] / highest
