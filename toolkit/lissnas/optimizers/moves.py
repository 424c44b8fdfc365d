"""Helpers of all optimizers: neighbors inside a subspace, and rows that the budget still allows."""

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import ENUMERABLE_SIZE, Rows
from lissnas.subspaces.subspace import FullSpace, Subspace

PATIENCE = 10
"""After this many known proposals in a row, an optimizer draws a random architecture (our own choice)."""


def neighbors_inside(subspace: Subspace, row: Rows) -> Rows:
    """Return the neighbors of an architecture that are in the subspace, shape (n, genes).

    `row` has shape (genes,).
    """
    neighbors, _source = subspace.space.neighbors(row[None])
    if isinstance(subspace, FullSpace) or not len(neighbors):
        return neighbors
    return neighbors[subspace.contains(neighbors)]


def affordable(rows: Rows, evaluations: Evaluations, total: int) -> Rows:
    """Return the rows that are scored already, and as many other rows as the budget allows, in their order."""
    selected = evaluations.are_evaluated(rows)
    new = np.flatnonzero(~selected)
    selected[new[: max(total - evaluations.count, 0)]] = True
    return rows[selected]


def reachable_total(subspace: Subspace, evaluations: Evaluations, total: int) -> int:
    """Return how many architectures can be scored in all: `total`, or fewer where the subspace is smaller."""
    if subspace.size_bounds[1] > ENUMERABLE_SIZE:
        return total
    if evaluations.count == 0:
        return min(total, subspace.size)
    known = int(evaluations.are_evaluated(subspace.space.rows(subspace.index)).sum())
    return min(total, evaluations.count + subspace.size - known)
