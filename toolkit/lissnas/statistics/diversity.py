"""Diversity: how different the architectures of a subspace are, gene by gene and pocket by pocket."""

from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats, Indices, Rows
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class Diversity:
    """Figures of one subspace.

    Attributes
    ----------
    entropy
        How evenly each gene's operations are used, shape (genes,); see `gene_entropy`.
    operations
        The share of each gene's operations in the whole space that is still there, shape (genes,).
    pocket_sizes
        How many architectures each pocket holds, the largest first, shape (pockets,).
    """

    entropy: Floats
    operations: Floats
    pocket_sizes: Indices


def diversity(subspace: Subspace) -> Diversity:
    """Return the diversity of a subspace of an enumerable space; the whole space is listed to compare with."""
    space = subspace.space
    rows, choices = space.rows(subspace.index), space.choices
    return Diversity(
        entropy=gene_entropy(rows, choices),
        operations=_operations(rows) / _operations(space.all_rows()),
        pocket_sizes=np.bincount(pockets(subspace)),
    )


def gene_entropy(rows: Rows, choices: tuple[int, ...]) -> Floats:
    """Return Shannon's entropy of each gene's operations, divided by its largest possible value, shape (genes,).

    1 if a gene's operations are all equally frequent, 0 if there is one only; a gene without choice has 0.
    """
    entropy = np.zeros(len(choices))
    for gene, count in enumerate(choices):
        if count > 1:
            shares = np.bincount(rows[:, gene], minlength=count) / len(rows)
            present = shares[shares > 0]
            entropy[gene] = -(present * np.log(present)).sum() / np.log(count)
    return np.maximum(entropy, 0)


def _operations(rows: Rows) -> Indices:
    """Return how many different operations each gene has, shape (genes,)."""
    return np.array([np.count_nonzero(np.bincount(gene)) for gene in rows.T])
