"""PartOfSpace: some of the networks of a space, as a space."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Floats, Graphs, Indices, Paths, Rows, Space


class PartOfSpace(Space):
    """Some of the networks of a space.

    An edit leads from one of them to another; distances are those of the whole space. If they are
    too many to be listed, `index` is that of the whole space.

    Parameters
    ----------
    whole
        The whole space.
    name
        The name of this part.
    listed
        The places of its networks in the whole space, ascending; None if they are too many.

    Attributes
    ----------
    whole
        The whole space.
    """

    def __init__(self, whole: Space, name: str, listed: Indices | None) -> None:
        self.whole = whole
        self.name = name
        self.choices = whole.choices
        self._listed = listed
        self._place: Indices | None = None
        if listed is not None and whole.enumerable:
            self._place = np.full(whole.size, -1, dtype=np.int64)
            self._place[listed] = np.arange(len(listed))

    @abstractmethod
    def _contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether each row of the whole space is in this part, shape (n,); used if the part is not listed."""

    @abstractmethod
    def _refusal(self, string: str) -> str:
        """Return the message that a network of the whole space, given as its string, is not in this part."""

    @property
    def enumerable(self) -> bool:
        return self._listed is not None

    @property
    def ordinal(self) -> tuple[bool, ...]:
        return self.whole.ordinal

    def whole_index(self, index: Indices) -> Indices:
        """Return the places in the whole space of these places in this part."""
        return index if self._listed is None else self._listed[index]

    def index(self, rows: Rows) -> Indices:
        place, is_member = self._look_up(rows)
        if not is_member.all():
            [string] = self.whole.write(rows[[int(is_member.argmin())]])
            raise ArchitectureError(self._refusal(string))
        return place

    def _look_up(self, rows: Rows) -> tuple[Indices, NDArray[np.bool_]]:
        """Return the place of each row of the whole space in this part, and whether the row is in it."""
        whole_index = self.whole.index(rows)
        if self._listed is None:
            return whole_index, self._contains(rows)
        if self._place is not None:
            place = self._place[whole_index]
            return place, place >= 0
        place = np.searchsorted(self._listed, whole_index)
        return place, self._listed[np.minimum(place, len(self._listed) - 1)] == whole_index

    def rows(self, index: Indices) -> Rows:
        return self.whole.rows(index if self._listed is None else self._listed[self.checked_index(index)])

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        neighbors, source = self.whole.neighbors(rows)
        _place, is_member = self._look_up(neighbors)
        return neighbors[is_member], source[is_member]

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distance(a, b)

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distances(a, b)

    def mean_distance(self, rows: Rows) -> float:
        return self.whole.mean_distance(rows)

    def effective(self, rows: Rows) -> Rows:
        return self.whole.effective(rows)

    def choice_shares(self, rows: Rows) -> Floats:
        return self.whole.choice_shares(rows)

    def paths(self, rows: Rows) -> Paths | None:
        return self.whole.paths(rows)

    def graphs(self, rows: Rows) -> Graphs | None:
        return self.whole.graphs(rows)

    def write(self, rows: Rows) -> list[str]:
        return self.whole.write(rows)

    def read(self, strings: Sequence[str]) -> Rows:
        rows = self.whole.read(strings)
        self.index(rows)
        return rows
