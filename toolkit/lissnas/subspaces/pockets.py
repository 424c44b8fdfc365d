"""Pockets: the connected components of a subspace under single edits."""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Indices
from lissnas.subspaces.subspace import Subspace


def pockets(subspace: Subspace) -> NDArray[np.int32]:
    """Return which pocket each architecture belongs to, shape (size,), the largest pocket being number 0.

    A pocket is a connected component under single edits.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = _joined(subspace)
    edges = coo_array((np.ones(len(a)), (a, b)), shape=(subspace.size, subspace.size))
    count, label = connected_components(edges, directed=False)
    by_size = np.argsort(-np.bincount(label, minlength=count), kind="stable")
    rank = np.empty(count, dtype=np.int32)
    rank[by_size] = np.arange(count, dtype=np.int32)
    return rank[label]


def _joined(subspace: Subspace) -> tuple[Indices, Indices]:
    """Return pairs of neighbors in the subspace, by their numbers in it; enough to join every pocket."""
    index, space = subspace.index, subspace.space
    rows = space.rows(index)
    if not isinstance(space, CategoricalSpace):
        neighbors, source = space.neighbors(rows)
        place = space.index(neighbors)
        target = np.searchsorted(index, place)
        inside = index[np.minimum(target, len(index) - 1)] == place
        return source[inside], target[inside]
    pairs = []
    for gene in range(space.genes):
        # All that are alike but for one gene are neighbors of each other: a chain through them joins them.
        others = rows.copy()
        others[:, gene] = 0
        key = space.index(others)
        order = np.argsort(key, kind="stable")
        alike = np.diff(key[order]) == 0
        pairs.append((order[:-1][alike], order[1:][alike]))
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    return first, second
