"""ShrunkSpace: a subspace as a space, so that a method can shrink it again without leaving it."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, Floats, Rows, ShellSums
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

_PAIRS_AT_ONCE = 1 << 24
"""Maximum number of distances held in memory at once, one byte each."""


class ShrunkSpace(PartOfSpace):
    """The networks of a subspace. An edit leads from one of them to another; distances are those of the full space.

    `sample` draws uniformly from the networks of the subspace. If they are too many to be listed, `index` is that of
    the full space, and `size` raises SettingError unless the subspace knows its size.

    Parameters
    ----------
    subspace
        A subspace of any space.
    """

    def __init__(self, subspace: Subspace) -> None:
        self.subspace = subspace
        listed = subspace.index if subspace.size_bounds[1] <= ENUMERABLE_SIZE else None
        super().__init__(subspace.space, f"{_contents(subspace)} of {subspace.space.name}", listed)

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.subspace.size if self._listed is None else len(self._listed)

    @property
    def size_bounds(self) -> tuple[int, int]:
        return self.subspace.size_bounds

    def in_full_space(self, subspace: Subspace) -> Subspace:
        """Return a subspace of this space as a subspace of the full space.

        Raises SettingError if its networks cannot be listed.
        """
        if isinstance(subspace, FullSpace):
            return self.subspace
        return ExplicitSubspace(self.full_space, self.full_space_index(subspace.index))

    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.subspace.contains(rows)

    def _refusal(self, string: str) -> str:
        return f"'{string}' is not among the {self.name}"

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """As Space.shell_sums; it visits all pairs."""
        rows = self.all_rows()
        shells = ShellSums(
            np.zeros((self.genes + 1, self.size, columns.shape[1])), np.zeros((self.genes + 1, self.size))
        )
        step = max(1, _PAIRS_AT_ONCE // max(self.size, 1))
        for first in range(0, self.size, step):
            part = slice(first, first + step)
            distances = self.full_space.distances(rows[part], rows)
            differences = np.nan_to_num(np.abs(scores[part, None] - scores))
            for distance in range(self.genes + 1):
                at = distances == distance
                shells.sums[distance, part] = at @ columns
                shells.differences[distance, part] = np.where(at, differences, 0).sum(axis=1)
        return shells

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        return self.subspace.sample(count, rng)


def _contents(subspace: Subspace) -> str:
    """Return the number of networks and an eight-digit digest of them, as part of the name of the space."""
    if isinstance(subspace, UnionOfBalls):
        index = np.sort(subspace.space.index(subspace.seeds))
        number = f"networks within {subspace.radius} edits of {len(index):,} seeds"
    elif subspace.size_bounds[1] <= ENUMERABLE_SIZE:
        index = subspace.index
        number = f"{len(index):,} networks"
    else:
        try:
            index = subspace.space.index(subspace.sample(1_000, np.random.default_rng(0)))
        except SettingError as error:
            raise SettingError(f"a subspace of {subspace.space.name} cannot be a space: {error}") from error
        number = f"up to {subspace.size_bounds[1]:.3g} networks"
    return f"{number} ({hashlib.sha256(index.astype('<i8').tobytes()).hexdigest()[:8]})"
