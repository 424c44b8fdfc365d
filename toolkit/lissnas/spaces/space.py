"""Space: a finite set of architectures and the edits between them.

An architecture is a row of small integers, its genes; a batch is a uint8 array of shape (n, genes).
Every architecture also has a place in the space, its index: an int64 from 0 to size - 1.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, SettingError

Rows = NDArray[np.uint8]
"""A batch of architectures, shape (n, genes)."""

Indices = NDArray[np.int64]
"""Places of architectures in their space, shape (n,)."""

Floats = NDArray[np.float64]
"""Scores, columns, sums: float64 of the shape that the docstring says."""

ENUMERABLE_SIZE = 1_000_000
"""The largest space of which every architecture is held in memory at once (our own choice)."""


@dataclass(frozen=True)
class ShellSums:
    """Sums over the architectures at distance exactly d from each architecture of a whole space.

    Attributes
    ----------
    sums
        Shape (diameter + 1, size, columns): the columns summed over each shell.
    differences
        Shape (diameter + 1, size): the absolute score differences to the center, summed over each shell.
    """

    sums: Floats
    differences: Floats


@dataclass(frozen=True)
class Graphs:
    """A batch of labeled graphs of at most so many vertices and edges.

    Attributes
    ----------
    labels
        The label of each vertex, shape (n, vertices), from 1 on; 0 where a graph has no such vertex.
    sources, targets
        The vertices that each edge leaves and enters, each of shape (n, edges).
    present
        Which of the edges a graph has, shape (n, edges).
    label_count
        The largest label that any graph of the space may have.
    """

    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    present: NDArray[np.bool_]
    label_count: int


class Space(ABC):
    """A finite set of architectures, the edits between them, and how they are written.

    Attributes
    ----------
    name
        The field's name for the space.
    choices
        How many choices each gene has, shape (genes,). A row may still be no architecture of the space.
    size
        The exact number of architectures.
    """

    name: str
    choices: tuple[int, ...]
    size: int

    @property
    def genes(self) -> int:
        """The length of a row."""
        return len(self.choices)

    @property
    def size_bounds(self) -> tuple[int, int]:
        """The least and the largest number of architectures it may have; equal where the size is known."""
        return self.size, self.size

    @property
    def ordinal(self) -> tuple[bool, ...]:
        """Whether each gene's choices are steps of a scale (widths, depths, kernel sizes), in their order."""
        return (False,) * self.genes

    @property
    def enumerable(self) -> bool:
        """Whether the whole space is small enough to be held in memory."""
        return self.size <= ENUMERABLE_SIZE

    @abstractmethod
    def index(self, rows: Rows) -> Indices:
        """Return the place of each row, shape (n,); rows that compute the same network share one place.

        Raises ArchitectureError for a row that is not in the space.
        """

    @abstractmethod
    def rows(self, index: Indices) -> Rows:
        """Return the canonical rows at these places, shape (n, genes)."""

    @abstractmethod
    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        """Return every architecture one edit away from each row.

        Returns
        -------
        neighbors
            Shape (m, genes), those of the first row first; never the architecture itself, none twice for one row.
        source
            Shape (m,), ascending: which of the given rows each neighbor belongs to.
        """

    @abstractmethod
    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        """Return the edit distance of a[i] and b[i], shape (n,)."""

    @abstractmethod
    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        """Return the edit distance of every a[i] and every b[j], shape (len(a), len(b))."""

    @abstractmethod
    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """Sum `columns` (size, k) and |differences of scores| (size,) over every shell of the whole space.

        A NaN score is missing: its differences count as 0. Columns hold no NaN.
        """

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        """As `shell_sums`, for the distances 0 to `largest_distance` alone.

        Spaces whose pairs are too many to go through all of them go through the near ones only.
        """
        shells = self.shell_sums(columns, scores)
        return ShellSums(shells.sums[: largest_distance + 1], shells.differences[: largest_distance + 1])

    @abstractmethod
    def mean_distance(self, rows: Rows) -> float:
        """Return the mean edit distance of the pairs of a batch of different rows; NaN for fewer than two rows."""

    @abstractmethod
    def write(self, rows: Rows) -> list[str]:
        """Return the official string of each row."""

    @abstractmethod
    def read(self, strings: Sequence[str]) -> Rows:
        """Return the row of each official string; raises ArchitectureError for one that is not in the space."""

    def canonical(self, rows: Rows) -> Rows:
        """Return for each row the one row that stands for all rows of the same network."""
        return self.rows(self.index(rows))

    def effective(self, rows: Rows) -> Rows:
        """Return each row with what cannot matter to its network set to one choice, as no operation.

        What comes back serves to compare networks gene by gene, and need not be a row of the space.
        """
        return rows

    def graphs(self, rows: Rows) -> Graphs | None:
        """Return the labeled graph of each network, in a space in which graphs tell more than genes; else None."""
        return None

    def all_rows(self) -> Rows:
        """Return the whole space in the order of its index, shape (size, genes).

        Raises SettingError for a space that is not enumerable.
        """
        if not self.enumerable:
            raise SettingError(
                f"{self.name} has {self.size:.3g} architectures: more than the {ENUMERABLE_SIZE:,} held at once"
            )
        return self.rows(np.arange(self.size, dtype=np.int64))

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """Return `count` different architectures, drawn uniformly, shape (count, genes).

        Raises SettingError for more than there are.
        """
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from the {self.size:,} of {self.name}")
        return self.rows(rng.choice(self.size, count, replace=False))

    def checked_index(self, index: Indices) -> Indices:
        """Return the places as int64, or raise ArchitectureError for the first outside the space."""
        index = np.asarray(index, dtype=np.int64)
        outside = (index < 0) | (index >= self.size)
        if outside.any():
            raise ArchitectureError(f"{self.name} has the indices 0 to {self.size - 1}, not {index[outside.argmax()]}")
        return index

    def checked(self, rows: Rows) -> Rows:
        """Return the rows as a uint8 batch, or raise ArchitectureError for the first that breaks the contract."""
        batch = np.asarray(rows)
        if batch.ndim != 2 or batch.shape[1] != self.genes or batch.dtype != np.uint8:
            raise ArchitectureError(
                f"{self.name} takes uint8 rows of shape (n, {self.genes}), not {batch.dtype} of shape {batch.shape}"
            )
        outside = (batch >= np.asarray(self.choices, dtype=np.int64)).any(axis=1)
        if outside.any():
            first = int(outside.argmax())
            raise ArchitectureError(
                f"row {first} {batch[first].tolist()} is not in {self.name}: "
                f"its genes have {list(self.choices)} choices, counted from 0"
            )
        return batch
