"""Pockets: the connected components of a subspace under single edits."""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Indices
from lissnas.subspaces.subspace import Subspace


def pockets(subspace: Subspace) -> NDArray[np.int32]:
    """Return the number of the pocket of each architecture, shape (size,); pocket 0 is the largest.

    A pocket is a connected component under single edits.
    """
    return components(subspace.size, *_neighbor_pairs(subspace))


def components(count: int, a: Indices, b: Indices) -> NDArray[np.int32]:
    """Return the connected component of each of `count` nodes if a[i] and b[i] are joined; component 0 is the largest.

    Among components of equal size, the one with the first node comes first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    number, label = connected_components(edges, directed=False)
    by_size = np.argsort(-np.bincount(label, minlength=number), kind="stable")
    rank = np.empty(number, dtype=np.int32)
    rank[by_size] = np.arange(number, dtype=np.int32)
    return rank[label]


def _neighbor_pairs(subspace: Subspace) -> tuple[Indices, Indices]:
    """Return pairs of neighbors in the subspace, by their places in its index; enough to connect every pocket."""
    index, space = subspace.index, subspace.space
    rows = space.rows(index)
    if not isinstance(space, CategoricalSpace):
        neighbors, source = space.neighbors(rows)
        place = space.index(neighbors)
        target = np.searchsorted(index, place)
        in_subspace = index[np.minimum(target, len(index) - 1)] == place
        return source[in_subspace], target[in_subspace]
    pairs = []
    for gene in range(space.genes):
        # Rows that are equal in all other genes are neighbors of each other; a chain through them connects them.
        without_gene = rows.copy()
        without_gene[:, gene] = 0
        key = space.index(without_gene)
        order = np.argsort(key, kind="stable")
        equal = np.diff(key[order]) == 0
        pairs.append((order[:-1][equal], order[1:][equal]))
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    return first, second
