"""LimitedSubspace: the networks of a subspace that meet resource limits, even if the subspace has 10^12 networks."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, Indices, Rows
from lissnas.subspaces.subspace import Subspace

_BATCH = 1 << 12
"""Number of networks drawn at once."""

_MAX_REJECTED = 1 << 20
"""Number of consecutive networks beyond the limits after which sampling fails (our own choice)."""


class LimitedSubspace(Subspace):
    """The networks of a subspace that meet the limits of a limited space.

    Parameters
    ----------
    space
        The limited space, of which this is a subspace.
    unlimited
        A subspace of `space.full_space`; its networks may exceed the limits.
    """

    space: LimitedSpace

    def __init__(self, space: LimitedSpace, unlimited: Subspace) -> None:
        self.space = space
        self.unlimited = unlimited

    @property
    def size(self) -> int:
        """Number of networks; raises SettingError if they are too many to be listed."""
        return len(self.index)

    @property
    def size_bounds(self) -> tuple[int, int]:
        at_most = self.unlimited.size_bounds[1]
        return (self.size, self.size) if at_most <= ENUMERABLE_SIZE else (0, at_most)

    @cached_property
    def index(self) -> Indices:
        at_most = self.unlimited.size_bounds[1]
        if at_most > ENUMERABLE_SIZE:
            raise SettingError(
                f"a subspace of {at_most:.3g} networks is too large to list those in {self.space.name} (at most "
                f"{ENUMERABLE_SIZE:,}): draw a sample"
            )
        rows = self.space.full_space.rows(self.unlimited.index)
        return np.sort(self.space.index(rows[self._meets(rows)]))

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.unlimited.contains(rows) & self._meets(rows)

    def _meets(self, rows: Rows) -> NDArray[np.bool_]:
        return np.logical_and.reduce([limit(rows) for limit in self.space.limits], axis=0)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """As Subspace.sample; if the networks cannot be listed, draws until enough of them meet the limits.

        Raises SettingError if fewer than `count` networks meet the limits, or almost none.
        """
        if self.unlimited.size_bounds[1] <= ENUMERABLE_SIZE:
            if not 0 <= count <= self.size:
                raise SettingError(f"cannot draw {count:,} different networks from the {self.size:,} within the limits")
            return self.space.rows(self.index[rng.choice(self.size, count, replace=False)])
        index: Indices = np.empty(0, dtype=np.int64)
        rejected = 0
        while len(index) < count:
            rows = self.unlimited.sample(_BATCH, rng)
            accepted = self.space.index(rows[self._meets(rows)])
            before = len(index)
            index = np.concatenate([index, accepted])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
            rejected = 0 if len(index) > before else rejected + len(rows)
            if rejected > _MAX_REJECTED:
                raise SettingError(
                    f"only {len(index):,} of {count:,} networks of a subspace were found in {self.space.name}: "
                    "raise the limits"
                )

        return self.space.rows(index[:count])
