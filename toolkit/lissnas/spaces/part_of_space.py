"""PartOfSpace: some of the networks of a space, as a space of their own."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Graphs, Indices, Rows, Space


class PartOfSpace(Space):
    """Some of the networks of a space; edits lead from one of them to another, distances are those of the whole space.

    Where they are too many to be listed, `index` is that of the whole space.

    Parameters
    ----------
    whole
        The space.
    name
        What this part of it is called.
    listed
        The places of its networks in the whole space, ascending; None where they are too many.

    Attributes
    ----------
    whole
        The space that it is a part of.
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
        """Tell for each row of the whole space whether it is in this part, shape (n,); asked where none are listed."""

    @abstractmethod
    def _refusal(self, string: str) -> str:
        """Say that a network of the whole space, written so, is not in this part."""

    @property
    def enumerable(self) -> bool:
        return self._listed is not None

    @property
    def ordinal(self) -> tuple[bool, ...]:
        return self.whole.ordinal

    def whole_index(self, index: Indices) -> Indices:
        """Return the places in the whole space of places in this one."""
        return index if self._listed is None else self._listed[index]

    def index(self, rows: Rows) -> Indices:
        place, inside = self._look_up(rows)
        if not inside.all():
            [string] = self.whole.write(rows[[int(inside.argmin())]])
            raise ArchitectureError(self._refusal(string))
        return place

    def _look_up(self, rows: Rows) -> tuple[Indices, NDArray[np.bool_]]:
        """Return the place of each row of the whole space, and whether it is in this part."""
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
        _place, inside = self._look_up(neighbors)
        return neighbors[inside], source[inside]

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distance(a, b)

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return self.whole.distances(a, b)

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
