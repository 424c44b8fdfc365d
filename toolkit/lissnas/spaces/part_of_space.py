"""PartOfSpace: some of the networks of a space, as a space."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Floats, Graphs, Indices, Paths, Rows, Space


class PartOfSpace(Space):
    """Some of the networks of a space.

    An edit leads from one of them to another; distances are those of the full space. If they are
    too many to be listed, `index` is that of the full space.

    Parameters
    ----------
    full_space
        The full space.
    name
        The name of this part.
    listed
        The places of its networks in the full space, ascending; None if they are too many.

    Attributes
    ----------
    full_space
        The full space.
    """

    def __init__(self, full_space: Space, name: str, listed: Indices | None) -> None:
        self.full_space = full_space
        self.name = name
        self.choices = full_space.choices
        self._listed = listed
        self._place: Indices | None = None
        if listed is not None and full_space.enumerable:
            self._place = np.full(full_space.size, -1, dtype=np.int64)
            self._place[listed] = np.arange(len(listed))

    @abstractmethod
    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether each row of the full space is in this part, shape (n,); used if the part is not listed."""

    @abstractmethod
    def _refusal(self, string: str) -> str:
        """Return the message that a network of the full space, given as its string, is not in this part."""

    @property
    def enumerable(self) -> bool:
        return self._listed is not None

    @property
    def ordinal(self) -> tuple[bool, ...]:
        return self.full_space.ordinal

    def full_space_index(self, index: Indices) -> Indices:
        """Return the places in the full space of these places in this part."""
        return index if self._listed is None else self._listed[index]

    def index(self, rows: Rows) -> Indices:
        place, is_member = self._look_up(rows)
        if not is_member.all():
            [string] = self.full_space.write(rows[[int(is_member.argmin())]])
            raise ArchitectureError(self._refusal(string))
        return place

    def _look_up(self, rows: Rows) -> tuple[Indices, NDArray[np.bool_]]:
        """Return the place of each row of the full space in this part, and whether the row is in it."""
        full_space_index = self.full_space.index(rows)
        if self._listed is None:
            return full_space_index, self._contains(rows)
        if self._place is not None:
            place = self._place[full_space_index]
            return place, place >= 0
        place = np.searchsorted(self._listed, full_space_index)
        return place, self._listed[np.minimum(place, len(self._listed) - 1)] == full_space_index

    def rows(self, index: Indices) -> Rows:
        return self.full_space.rows(index if self._listed is None else self._listed[self.checked_index(index)])

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        neighbors, source = self.full_space.neighbors(rows)
        _place, is_member = self._look_up(neighbors)
        return neighbors[is_member], source[is_member]

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.full_space.distance(a, b)

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.full_space.distances(a, b)

    def mean_distance(self, rows: Rows) -> float:
        return self.full_space.mean_distance(rows)

    def effective(self, rows: Rows) -> Rows:
        return self.full_space.effective(rows)

    def choice_shares(self, rows: Rows) -> Floats:
        return self.full_space.choice_shares(rows)

    def paths(self, rows: Rows) -> Paths | None:
        return self.full_space.paths(rows)

    def graphs(self, rows: Rows) -> Graphs | None:
        return self.full_space.graphs(rows)

    def write(self, rows: Rows) -> list[str]:
        return self.full_space.write(rows)

    def read(self, strings: Sequence[str]) -> Rows:
        rows = self.full_space.read(strings)
        self.index(rows)
        return rows
