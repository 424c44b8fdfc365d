"""What every optimizer inside a subspace needs: moves that stay inside, and rows that can still be paid for."""

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import ENUMERABLE_SIZE, Rows
from lissnas.subspaces.subspace import Subspace, WholeSpace

PATIENCE = 10
"""After how many proposals in a row that were all known before a random network is drawn instead (our own choice)."""


def neighbors_inside(subspace: Subspace, row: Rows) -> Rows:
    """Return the networks of the subspace that are one edit away from a network, shape (n, genes).

    `row` has shape (genes,).
    """
    neighbors, _source = subspace.space.neighbors(row[None])
    if isinstance(subspace, WholeSpace) or not len(neighbors):
        return neighbors
    return neighbors[subspace.contains(neighbors)]


def affordable(rows: Rows, evaluations: Evaluations, total: int) -> Rows:
    """Return the rows that are known, and the first of the others as far as the budget goes, in their order."""
    kept = evaluations.are_evaluated(rows)
    new = np.flatnonzero(~kept)
    kept[new[: max(total - evaluations.count, 0)]] = True
    return rows[kept]


def reachable_total(subspace: Subspace, evaluations: Evaluations, total: int) -> int:
    """Return how many networks can be scored in all: `total`, or fewer if the subspace has no more unknown ones."""
    if subspace.size_bounds[1] > ENUMERABLE_SIZE:
        return total
    if evaluations.count == 0:
        return min(total, subspace.size)
    known = int(evaluations.are_evaluated(subspace.space.rows(subspace.index)).sum())
    return min(total, evaluations.count + subspace.size - known)
