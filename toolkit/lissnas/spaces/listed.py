"""ListedSpace: the architectures of a sample as a space of their own, of which each is identified by its row.

A sampled table of any space can thus be measured and shrunk, also of one too large for an int64 index.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, SettingError
from lissnas.spaces.part_of_space import PartOfSpace
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space

_MAX_PAIRS = 1_000_000_000
"""Maximum number of pairs that are visited for sums over all distances: a minute on one core."""

_PAIRS_AT_ONCE = 1 << 22
"""Maximum number of distances held in memory at once."""


class ListedSpace(PartOfSpace):
    """Some architectures of a space, listed by their rows. An edit leads from one of them to another.

    Parameters
    ----------
    full_space
        The space that they are from. It may be of any size.
    rows
        Different architectures, shape (n, genes); their order is that of the index.

    Raises
    ------
    ArchitectureError
        If an architecture occurs twice or is not in the space.

    Examples
    --------
    >>> from lissnas.spaces.categorical import CategoricalSpace
    >>> full_space = CategoricalSpace("long", ("abcd",) * 60, "{}" * 60)
    >>> sample = ListedSpace(full_space, full_space.read(["a" * 60, "b" + "a" * 59, "c" * 60]))
    >>> sample.size, len(sample.neighbors(sample.all_rows())[0])
    (3, 2)
    """

    def __init__(self, full_space: Space, rows: Rows) -> None:
        self.full_space = full_space
        self.choices = full_space.choices
        self._rows = np.ascontiguousarray(full_space.canonical(rows))
        keys = _keys(self._rows)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]
        equal = self._sorted[1:] == self._sorted[:-1]
        if equal.any():
            first = int(self._order[:-1][equal][0])
            raise ArchitectureError(f"'{full_space.write(self._rows[[first]])[0]}' is listed twice")
        digest = hashlib.sha256(self._rows.tobytes()).hexdigest()[:8]
        self.name = f"{len(rows):,} listed architectures ({digest}) of {full_space.name}"
        self.size = len(rows)

    @property
    def enumerable(self) -> bool:
        return True

    def full_space_index(self, index: Indices) -> Indices:
        """Return the places in the full space; raises SettingError if it is too large for an int64 index."""
        return self.full_space.index(self.rows(index))

    def places(self, rows: Rows) -> Indices:
        """Return the place of each row of the full space, shape (n,); -1 for one that is not listed."""
        place, is_member = self._look_up(rows)
        return np.where(is_member, place, -1)

    def rows(self, index: Indices) -> Rows:
        return self._rows[self.checked_index(index)]

    def all_rows(self) -> Rows:
        return self._rows.copy()

    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self._look_up(rows)[1]

    def _look_up(self, rows: Rows) -> tuple[Indices, NDArray[np.bool_]]:
        keys = _keys(self.full_space.canonical(rows))
        nearest = np.minimum(np.searchsorted(self._sorted, keys), max(0, self.size - 1))
        if not self.size:
            return nearest, np.zeros(len(keys), dtype=np.bool_)
        return self._order[nearest], self._sorted[nearest] == keys

    def _refusal(self, string: str) -> str:
        return f"'{string}' is not among the {self.size:,} listed architectures of {self.full_space.name}"

    def read(self, strings: Sequence[str]) -> Rows:
        rows = self.full_space.read(strings)
        self.index(rows)
        return rows

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """As Space.shell_sums; it visits all pairs, and raises SettingError if they are more than a billion."""
        if self.size**2 > _MAX_PAIRS:
            raise SettingError(
                f"{self.size:,} listed architectures have {self.size**2:.2g} pairs, more than the {_MAX_PAIRS:.0g} "
                f"that are visited: take a random part of the table"
            )
        rows, step = self._rows, max(1, _PAIRS_AT_ONCE // max(self.size, 1))
        diameter = self.genes
        sums = np.zeros((diameter + 1, self.size, columns.shape[1]))
        differences = np.zeros((diameter + 1, self.size))
        for first in range(0, self.size, step):
            part = slice(first, min(first + step, self.size))
            distances = self.full_space.distances(rows[part], rows)
            gaps = np.nan_to_num(np.abs(scores[part, None] - scores))
            for distance in np.unique(distances).tolist():
                at = distances == distance
                sums[distance, part] = at @ columns
                differences[distance, part] = np.where(at, gaps, 0).sum(axis=1)
        return ShellSums(sums, differences)


def _keys(rows: Rows) -> NDArray[np.void]:
    """Return the bytes of each row, which sort like its genes."""
    rows = np.ascontiguousarray(rows, dtype=np.uint8)
    return rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
