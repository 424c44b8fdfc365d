"""NearestMember: maps a row that an optimizer proposes in a box to the nearest network of a subspace."""

import numpy as np

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import ENUMERABLE_SIZE, Rows
from lissnas.subspaces.enclosing_box import enclosing_choices, product_choices
from lissnas.subspaces.subspace import Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

_SAMPLED_MEMBERS = 10_000
"""Number of random networks among which the nearest is chosen, if the subspace cannot be listed."""


class NearestMember:
    """Returns the network of a subspace that differs from a row in the fewest genes; ties are broken at random.

    In a union of balls this network is on the way to the nearest seed. In any other subspace all networks are compared,
    or random ones if the subspace is too large to be listed.

    Parameters
    ----------
    subspace
        The subspace.
    rng
        Draws the random networks, if they are needed.

    Attributes
    ----------
    choices
        For each gene the choices of the networks of the subspace: the box around it.
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
        """Return the nearest network to a proposal, or the proposal if it is a member; both have shape (genes,)."""
        try:
            if self._subspace.contains(proposed[None])[0]:
                return proposed
        except ArchitectureError:  # the proposal is not an architecture of the space
            pass
        if self._members is None:
            return self._toward_seed(proposed, rng)
        differing = (self._members != proposed).sum(axis=1)
        return self._members[rng.choice(np.flatnonzero(differing == differing.min()))]

    def _toward_seed(self, proposed: Rows, rng: np.random.Generator) -> Rows:
        """Return the proposal with just enough genes set to those of a nearest seed to enter its ball."""
        balls = self._subspace
        assert isinstance(balls, UnionOfBalls)
        distance = (balls.seeds != proposed).sum(axis=1)
        seed = balls.seeds[rng.choice(np.flatnonzero(distance == distance.min()))]
        replaced = rng.choice(np.flatnonzero(seed != proposed), int(distance.min()) - balls.radius, replace=False)
        nearest = proposed.copy()
        nearest[replaced] = seed[replaced]
        return nearest
