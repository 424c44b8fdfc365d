"""Which choices the networks of a subspace make: the box around it."""

import numpy as np

from lissnas.spaces.space import ENUMERABLE_SIZE
from lissnas.subspaces.box import product_choices
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls


def choices_inside(subspace: Subspace) -> list[list[int]]:
    """Return for each gene the choices that networks of the subspace may have, ascending.

    Where these are too many to be listed, some of the choices may occur in none.
    """
    choices = product_choices(subspace)
    if choices is not None:
        return choices
    reaches_all = isinstance(subspace, UnionOfBalls) and subspace.radius > 0
    if not reaches_all and subspace.size_bounds[1] <= ENUMERABLE_SIZE:
        return [np.unique(column).tolist() for column in subspace.space.rows(subspace.index).T]
    if isinstance(subspace, LimitedSubspace):
        return choices_inside(subspace.inside)
    return [list(range(count)) for count in subspace.space.choices]
