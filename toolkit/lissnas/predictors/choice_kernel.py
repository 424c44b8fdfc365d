"""What a kernel sees of an architecture's genes: what each chooses, and how often each choice is made in all.

A gene that is no scale counts as changed or not (Hamming), with a weight for every choice of every gene; a gene that is
one counts by how far it moved (ordinal), and smoothly. That a choice does the same wherever it is made shows in how
often it is made: a histogram, or on scales the sum of all steps. Our own.
"""

from functools import partial

import numpy as np

from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.spaces.space import Floats, Rows, Space

_TOTAL_DISTANCE = 1.5
"""How far apart two architectures that differ in every gene lie before anything is learned, by each kind of part."""

_COUNT_DISTANCE = 0.1
"""How far apart two architectures lie, before anything is learned, for one choice made instead of another."""

_SPREAD = 1.0
"""The prior's standard deviation of the log weight of a gene, of a choice in all genes, and of a count."""

_DEPARTURE_SPREAD = 0.5
"""The prior's standard deviation by which one gene departs from what its choices weigh in all genes."""


def choice_components(space: Space) -> list[KernelComponent]:
    """Return the parts of a kernel over the genes of a space.

    Genes with equally many choices share what each choice weighs, and are counted together, as they mostly choose
    among the same operations.
    """
    nominal = [gene for gene in range(space.genes) if not space.ordinal[gene]]
    scales = [gene for gene in range(space.genes) if space.ordinal[gene] and space.choices[gene] > 1]
    parts = []
    if nominal:
        parts += [_changes(space, nominal), *(_counts(space, genes) for genes in _alike(space, nominal))]
    if scales:
        parts += [_steps(space, scales), *(_sums(space, genes) for genes in _alike(space, scales))]
    return parts


def _alike(space: Space, genes: list[int]) -> list[list[int]]:
    """Return the genes in groups of equally many choices."""
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

    def hot(rows: Rows) -> Floats:
        effective = space.effective(rows)
        return np.stack([effective[:, gene] == choice for gene, choice in pairs], axis=1).astype(np.float64)

    return KernelComponent(hot, np.full(len(pairs), _TOTAL_DISTANCE / space.genes), factors)


def _counts(space: Space, genes: list[int]) -> KernelComponent:
    count = space.choices[genes[0]]
    factors = [[("count", _SPREAD), (f"count {choice} of {count}", _SPREAD)] for choice in range(count)]

    def histogram(rows: Rows) -> Floats:
        effective = space.effective(rows)[:, genes]
        return np.stack([(effective == choice).sum(axis=1) for choice in range(count)], axis=1).astype(np.float64)

    return KernelComponent(histogram, np.full(count, _COUNT_DISTANCE), factors)


def _steps(space: Space, genes: list[int]) -> KernelComponent:
    highest = np.array([space.choices[gene] - 1 for gene in genes])
    factors = [[(f"scale {gene}", _SPREAD)] for gene in genes]
    # Twice, as a scale is one feature where a change of choice is two.
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
    """Return where each of the genes stands on its scale, from 0 to 1, shape (n, genes)."""
    return rows[:, genes] / highest
