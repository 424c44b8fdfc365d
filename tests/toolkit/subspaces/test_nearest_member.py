"""NearestMember: members stay as they are, and other proposals become a member with the fewest changed genes."""

from itertools import product

import numpy as np
import pytest
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.subspaces.nearest_member import NearestMember
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

SPACE = CategoricalSpace("small", ("abc",) * 4, "{}" * 4)
PROPOSALS = np.array([*product(range(3), repeat=4)], dtype=np.uint8)


@pytest.mark.parametrize(
    "subspace",
    [
        ExplicitSubspace(SPACE, np.array([0, 7, 33, 34, 80])),
        UnionOfBalls(SPACE, SPACE.rows(np.array([0, 44, 79])), radius=1),
    ],
    ids=["listed", "balls"],
)
def test_a_proposal_becomes_a_nearest_member(subspace: Subspace) -> None:
    members = PROPOSALS[subspace.contains(PROPOSALS)]
    rng = np.random.default_rng(0)
    nearest = NearestMember(subspace, rng)
    for proposed in PROPOSALS:
        found = nearest(proposed, rng)
        fewest = (members != proposed).sum(axis=1).min()
        assert subspace.contains(found[None])[0]
        assert (found != proposed).sum() == fewest
