"""Subspace: a subset of a space, which a shrinker returns."""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import Indices, Rows, Space


class Subspace(ABC):
    """A subset of a space.

    Attributes
    ----------
    space
        The space that it is a subset of.
    """

    space: Space

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of architectures."""

    @property
    def size_bounds(self) -> tuple[int, int]:
        """Lower and upper bound of the number of architectures; equal if the size is known."""
        return self.size, self.size

    @property
    @abstractmethod
    def index(self) -> Indices:
        """Places of its architectures in the space, ascending, shape (size,)."""

    @abstractmethod
    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether the architecture of each row is in the subspace, shape (n,)."""

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """Return `count` different architectures, drawn uniformly, shape (count, genes).

        Raises SettingError if there are fewer than `count`.
        """


class FullSpace(Subspace):
    """All architectures of a space, where every shrinker starts."""

    def __init__(self, space: Space) -> None:
        self.space = space

    @property
    def size(self) -> int:
        return self.space.size

    @property
    def size_bounds(self) -> tuple[int, int]:
        return self.space.size_bounds

    @cached_property
    def index(self) -> Indices:
        return self.space.index(self.space.all_rows())

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.ones(len(self.space.index(rows)), dtype=np.bool_)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        return self.space.sample(count, rng)


class ExplicitSubspace(Subspace):
    """A subset given by the places of its architectures.

    Parameters
    ----------
    space
        The space that it is a subset of.
    index
        Places of the architectures, in any order; repeated places count once.
    """

    def __init__(self, space: Space, index: Indices) -> None:
        self.space = space
        self._index = distinct(index)

    @property
    def size(self) -> int:
        return len(self._index)

    @property
    def index(self) -> Indices:
        return self._index

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.isin(self.space.index(rows), self._index)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from a subspace of {self.size:,}")
        return self.space.rows(self._index[rng.choice(self.size, count, replace=False)])


def distinct(index: Indices) -> Indices:
    """Return the different places, ascending; for millions of them this is many times faster than np.unique."""
    ascending = np.sort(index, axis=None)
    is_new = np.ones(len(ascending), dtype=np.bool_)
    is_new[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_new]
