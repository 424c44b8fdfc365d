"""LimitedSubspace: what meets resource limits of a subspace, also where it cannot be counted, as of a box of 10^12."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, Indices, Rows
from lissnas.subspaces.subspace import Subspace

_DRAWN_AT_ONCE = 1 << 12

_DRAWN_AT_MOST = 1 << 20
"""After so many networks outside the limits in a row it counts as empty (our own choice)."""


class LimitedSubspace(Subspace):
    """The networks of a subspace of the whole space that meet the limits of a limited space.

    Parameters
    ----------
    space
        Of which it is a subspace.
    unlimited
        A subspace of `space.whole`.
    """

    space: LimitedSpace

    def __init__(self, space: LimitedSpace, unlimited: Subspace) -> None:
        self.space = space
        self.unlimited = unlimited

    @property
    def size(self) -> int:
        """How many there are; raises SettingError where they are too many to be listed."""
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
                f"which of the {at_most:.3g} networks of a subspace are in {self.space.name} is not listed, being more "
                f"than {ENUMERABLE_SIZE:,}: draw a sample"
            )
        rows = self.space.whole.rows(self.unlimited.index)
        return np.sort(self.space.index(rows[self._meets(rows)]))

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.unlimited.contains(rows) & self._meets(rows)

    def _meets(self, rows: Rows) -> NDArray[np.bool_]:
        return np.logical_and.reduce([limit(rows) for limit in self.space.limits], axis=0)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """As Subspace.sample; where they cannot be listed, others are drawn until enough meet the limits.

        Raises SettingError if there are not enough, or hardly any.
        """
        if self.unlimited.size_bounds[1] <= ENUMERABLE_SIZE:
            if not 0 <= count <= self.size:
                raise SettingError(f"cannot draw {count:,} different networks from the {self.size:,} within the limits")
            return self.space.rows(self.index[rng.choice(self.size, count, replace=False)])
        index: Indices = np.empty(0, dtype=np.int64)
        in_vain = 0
        while len(index) < count:
            rows = self.unlimited.sample(_DRAWN_AT_ONCE, rng)
            found = self.space.index(rows[self._meets(rows)])
            before = len(index)
            index = np.concatenate([index, found])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
            in_vain = 0 if len(index) > before else in_vain + len(rows)
            if in_vain > _DRAWN_AT_MOST:
                raise SettingError(
                    f"only {len(index):,} of {count:,} networks of a subspace were found in {self.space.name}: "
                    "raise the limits"
                )
        return self.space.rows(index[:count])
