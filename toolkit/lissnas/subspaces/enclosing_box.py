"""The box around a subspace: for each gene the choices that its networks may have."""

import numpy as np

from lissnas.spaces.space import ENUMERABLE_SIZE
from lissnas.subspaces.box import Box
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls


def product_choices(subspace: Subspace) -> list[list[int]] | None:
    """Return for each gene the choices whose combinations make up the subspace; None if it is not such a product.

    An explicit list counts as no product, even if it happens to be one.
    """
    space = subspace.space
    combinations = int(np.prod(np.array(space.choices, dtype=object)))
    if space.size_bounds != (combinations, combinations):
        return None
    if isinstance(subspace, Box):
        return [np.flatnonzero(allowed).tolist() for allowed in subspace.allowed]
    return [list(range(count)) for count in space.choices] if isinstance(subspace, FullSpace) else None


def enclosing_choices(subspace: Subspace) -> list[list[int]]:
    """Return for each gene the choices that networks of the subspace have, ascending.

    If the networks are too many to be listed, the result may include choices that none of them has.
    """
    choices = product_choices(subspace)
    if choices is not None:
        return choices
    reaches_all = isinstance(subspace, UnionOfBalls) and subspace.radius > 0
    if not reaches_all and subspace.size_bounds[1] <= ENUMERABLE_SIZE:
        return [np.unique(column).tolist() for column in subspace.space.rows(subspace.index).T]
    if isinstance(subspace, LimitedSubspace):
        return enclosing_choices(subspace.unlimited)
    return [list(range(count)) for count in subspace.space.choices]
