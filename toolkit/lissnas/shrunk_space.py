"""ShrunkSpace: a subspace as a space of its own, to be shrunk again; nothing outside it is seen any more."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, SettingError
from lissnas.graphs import Graphs
from lissnas.space import ENUMERABLE_SIZE, Floats, Indices, Rows, ShellSums, Space
from lissnas.subspace import ExplicitSubspace, Subspace, WholeSpace
from lissnas.union_of_balls import UnionOfBalls

_PAIRS_AT_ONCE = 1 << 24
"""How many distances are held at once: a byte each."""


class ShrunkSpace(Space):
    """The networks of a subspace; edits lead from one of them to another, distances are those of the whole space.

    What `sample` draws is uniform over the networks of the subspace. Where these are more than can be enumerated,
    `index` is that of the whole space, and `size` raises SettingError unless the subspace knows it.

    Parameters
    ----------
    subspace
        Of any space; its networks.

    Attributes
    ----------
    whole
        The space that it is a subspace of.
    """

    def __init__(self, subspace: Subspace) -> None:
        self.subspace = subspace
        self.whole = subspace.space
        self.choices = self.whole.choices
        self._index = subspace.index if subspace.size_bounds[1] <= ENUMERABLE_SIZE else None
        self.name = f"{_contents(subspace)} of {self.whole.name}"

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.subspace.size if self._index is None else len(self._index)

    @property
    def size_bounds(self) -> tuple[int, int]:
        return self.subspace.size_bounds

    @property
    def enumerable(self) -> bool:
        return self._index is not None

    @property
    def ordinal(self) -> tuple[bool, ...]:
        return self.whole.ordinal

    def whole_index(self, index: Indices) -> Indices:
        """Return the places in the whole space of places in this one."""
        return index if self._index is None else self._index[index]

    def in_whole(self, subspace: Subspace) -> Subspace:
        """Return a subspace of this space as one of the whole space.

        Raises SettingError where its networks cannot be listed.
        """
        if isinstance(subspace, WholeSpace):
            return self.subspace
        return ExplicitSubspace(self.whole, self.whole_index(subspace.index))

    def index(self, rows: Rows) -> Indices:
        whole_index = self.whole.index(rows)
        inside = self._contains(rows, whole_index)
        if not inside.all():
            [string] = self.whole.write(rows[[int(inside.argmin())]])
            raise ArchitectureError(f"'{string}' is not among the {self.name}")
        return whole_index if self._index is None else np.searchsorted(self._index, whole_index)

    def _contains(self, rows: Rows, whole_index: Indices) -> NDArray[np.bool_]:
        if self._index is None:
            return self.subspace.contains(rows)
        nearest = np.minimum(np.searchsorted(self._index, whole_index), len(self._index) - 1)
        found: NDArray[np.bool_] = self._index[nearest] == whole_index
        return found

    def rows(self, index: Indices) -> Rows:
        return self.whole.rows(index if self._index is None else self._index[self.checked_index(index)])

    def neighbours(self, rows: Rows) -> tuple[Rows, Indices]:
        neighbours, source = self.whole.neighbours(rows)
        inside = self._contains(neighbours, self.whole.index(neighbours))
        return neighbours[inside], source[inside]

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distance(a, b)

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distances(a, b)

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """As Space.shell_sums; goes through all pairs."""
        rows = self.all_rows()
        shells = ShellSums(
            np.zeros((self.genes + 1, self.size, columns.shape[1])), np.zeros((self.genes + 1, self.size))
        )
        step = max(1, _PAIRS_AT_ONCE // max(self.size, 1))
        for first in range(0, self.size, step):
            part = slice(first, first + step)
            distances = self.whole.distances(rows[part], rows)
            differences = np.nan_to_num(np.abs(scores[part, None] - scores))
            for distance in range(self.genes + 1):
                at = distances == distance
                shells.sums[distance, part] = at @ columns
                shells.differences[distance, part] = np.where(at, differences, 0).sum(axis=1)
        return shells

    def mean_distance(self, rows: Rows) -> float:
        return self.whole.mean_distance(rows)

    def effective(self, rows: Rows) -> Rows:
        return self.whole.effective(rows)

    def graphs(self, rows: Rows) -> Graphs | None:
        return self.whole.graphs(rows)

    def write(self, rows: Rows) -> list[str]:
        return self.whole.write(rows)

    def read(self, strings: Sequence[str]) -> Rows:
        rows = self.whole.read(strings)
        self.index(rows)
        return rows

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        return self.subspace.sample(count, rng)


def _contents(subspace: Subspace) -> str:
    """Say how many networks there are, and which, by eight digits that other ones hardly share."""
    if isinstance(subspace, UnionOfBalls):
        held = np.sort(subspace.space.index(subspace.seeds))
        what = f"networks within {subspace.radius} edits of {len(held):,} seeds"
    elif subspace.size_bounds[1] <= ENUMERABLE_SIZE:
        held = subspace.index
        what = f"{len(held):,} networks"
    else:
        try:
            held = subspace.space.index(subspace.sample(1_000, np.random.default_rng(0)))
        except SettingError as error:
            raise SettingError(f"a subspace of {subspace.space.name} cannot be a space: {error}") from error
        what = f"up to {subspace.size_bounds[1]:.3g} networks"
    return f"{what} ({hashlib.sha256(held.astype('<i8').tobytes()).hexdigest()[:8]})"
