"""Diversity of a subspace: entropy of the genes, operations left, and sizes of the pockets."""

from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats, Indices, Rows
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class Diversity:
    """Diversity measures of one subspace.

    Attributes
    ----------
    entropy
        How evenly the operations of each gene occur, shape (genes,); see `gene_entropy`.
    operations
        Share of the operations of each gene that are left, shape (genes,).
    pocket_sizes
        Number of architectures in each pocket, largest first, shape (pockets,).
    """

    entropy: Floats
    operations: Floats
    pocket_sizes: Indices


def diversity(subspace: Subspace) -> Diversity:
    """Return the diversity of a subspace of an enumerable space, compared with all rows of the space."""
    space = subspace.space
    rows, choices = space.rows(subspace.index), space.choices
    return Diversity(
        entropy=gene_entropy(rows, choices),
        operations=_operations(rows) / _operations(space.all_rows()),
        pocket_sizes=np.bincount(pockets(subspace)),
    )


def gene_entropy(rows: Rows, choices: tuple[int, ...]) -> Floats:
    """Return the Shannon entropy of the operations of each gene, divided by its maximum, shape (genes,).

    It is 1 if all operations of a gene are equally frequent, and 0 if only one occurs or the gene has a single choice.
    """
    entropy = np.zeros(len(choices))
    for gene, count in enumerate(choices):
        if count > 1:
            shares = np.bincount(rows[:, gene], minlength=count) / len(rows)
            present = shares[shares > 0]
            entropy[gene] = -(present * np.log(present)).sum() / np.log(count)
    return np.maximum(entropy, 0)


def _operations(rows: Rows) -> Indices:
    """Return the number of different operations of each gene in the rows, shape (genes,)."""
    return np.array([np.count_nonzero(np.bincount(gene)) for gene in rows.T])
