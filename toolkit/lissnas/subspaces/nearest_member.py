"""NearestMember: for a proposal of somebody who only knows boxes, the network of a subspace that it stands for."""

import numpy as np

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import ENUMERABLE_SIZE, Rows
from lissnas.subspaces.enclosing_box import enclosing_choices, product_choices
from lissnas.subspaces.subspace import Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

_SAMPLED_MEMBERS = 10_000
"""Among how many random networks of a subspace the nearest is looked for, where nothing better can be done."""


class NearestMember:
    """Finds the networks of a subspace in which the fewest genes differ from a row; of several, one drawn by lot.

    In a union of balls that is what lies on the way to the nearest seed. Any other subspace is gone through one by one;
    of one that is too large to be enumerated, random networks are.

    Parameters
    ----------
    subspace
        Where to look.
    rng
        Draws those random networks, where they are needed.

    Attributes
    ----------
    choices
        For each gene the choices that the subspace's networks may have: the box around it.
    """

    def __init__(self, subspace: Subspace, rng: np.random.Generator) -> None:
        self._subspace = subspace
        self.choices = enclosing_choices(subspace)
        self._members: Rows | None = None
        if product_choices(subspace) is not None or (isinstance(subspace, UnionOfBalls) and subspace.radius):
            return
        if subspace.size_bounds[1] > ENUMERABLE_SIZE:
            self._members = subspace.sample(_SAMPLED_MEMBERS, rng)
        else:
            self._members = subspace.space.rows(subspace.index)

    def __call__(self, proposed: Rows, rng: np.random.Generator) -> Rows:
        """Return what stands for a proposal, itself if it is a member; both are one row, shape (genes,)."""
        try:
            if self._subspace.contains(proposed[None])[0]:
                return proposed
        except ArchitectureError:  # no network at all
            pass
        if self._members is None:
            return self._towards_a_seed(proposed, rng)
        differing = (self._members != proposed).sum(axis=1)
        return self._members[rng.choice(np.flatnonzero(differing == differing.min()))]

    def _towards_a_seed(self, proposed: Rows, rng: np.random.Generator) -> Rows:
        """Return the proposal with as many of its genes set to those of a nearest seed as lead into the ball."""
        balls = self._subspace
        assert isinstance(balls, UnionOfBalls)
        away = (balls.seeds != proposed).sum(axis=1)
        seed = balls.seeds[rng.choice(np.flatnonzero(away == away.min()))]
        exchanged = rng.choice(np.flatnonzero(seed != proposed), int(away.min()) - balls.radius, replace=False)
        nearest = proposed.copy()
        nearest[exchanged] = seed[exchanged]
        return nearest
