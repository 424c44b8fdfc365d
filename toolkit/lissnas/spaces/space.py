"""Space: a finite set of architectures and the edits between them.

An architecture is a row of small integers, its genes. A batch of architectures is a uint8 array of shape (n, genes).
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
"""Scores, columns or sums, of the shape that the docstring gives."""

INDEX_COLUMN = "lissnas-index"
"""Name of the column of indices in every file and frame; other packages number the same architectures differently."""

ENUMERABLE_SIZE = 1_000_000
"""Maximum size of a space whose architectures are all held in memory at once (our own choice)."""


@dataclass(frozen=True)
class ShellSums:
    """Sums over the architectures at distance exactly d from each architecture of a space.

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
    """A batch of directed graphs with labeled vertices, as graph kernels see networks.

    Attributes
    ----------
    labels
        The label of each vertex, shape (n, vertices), from 1 up; 0 if a graph does not have this vertex.
    sources, targets
        The vertices that each edge leaves and enters, each of shape (n, edges).
    present
        Whether a graph has each edge, shape (n, edges).
    label_count
        The largest label of any graph of the space.
    """

    labels: NDArray[np.int64]
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    present: NDArray[np.bool_]
    label_count: int


@dataclass(frozen=True)
class Paths:
    """The operations on every path from the input to the output of a batch of networks.

    Attributes
    ----------
    operations
        The operations of each path in their order, shape (n, paths, length), from 1 up. 0 is no operation: a skip
        connection, or the end of a shorter path.
    present
        Whether a network has each path, shape (n, paths).
    operation_count
        The largest operation of any network of the space.
    """

    operations: NDArray[np.int64]
    present: NDArray[np.bool_]
    operation_count: int


class Space(ABC):
    """A finite set of architectures, the edits between them, and how they are written.

    Attributes
    ----------
    name
        The field's name for the space.
    choices
        The number of choices of each gene, shape (genes,). Not every combination needs to be in the space.
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
        """Lower and upper bound of the number of architectures; equal if the size is known."""
        return self.size, self.size

    @property
    def ordinal(self) -> tuple[bool, ...]:
        """Whether each gene is ordinal: its choices are widths, depths or kernel sizes in ascending order."""
        return (False,) * self.genes

    @property
    def enumerable(self) -> bool:
        """Whether the full space is small enough to be held in memory."""
        return self.size <= ENUMERABLE_SIZE

    @property
    def has_index(self) -> bool:
        """Whether every architecture has an index: an int64 can count them."""
        return True

    @abstractmethod
    def index(self, rows: Rows) -> Indices:
        """Return the place of each row, shape (n,); rows of the same network have the same place.

        Raises ArchitectureError for a row that is not in the space.
        """

    @abstractmethod
    def rows(self, index: Indices) -> Rows:
        """Return the canonical rows of these places, shape (n, genes)."""

    @abstractmethod
    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        """Return every architecture one edit away from each row.

        Returns
        -------
        neighbors
            Shape (m, genes), those of the first row first, without repetition and without the architecture itself.
        source
            Shape (m,), ascending: the number of the row that each neighbor belongs to.
        """

    @abstractmethod
    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        """Return the edit distance of a[i] and b[i], shape (n,)."""

    @abstractmethod
    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        """Return the edit distance between every a[i] and every b[j], shape (len(a), len(b))."""

    @abstractmethod
    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        """Return the sums of `columns` (size, k) and of the |differences of scores| (size,) over every shell.

        A NaN score is missing, and its differences count as 0. Columns must not contain NaN.
        """

    def near_shell_sums(self, columns: Floats, scores: Floats, largest_distance: int) -> ShellSums:
        """As `shell_sums`, but only for the distances 0 to `largest_distance`.

        A space with too many pairs visits only the near ones.
        """
        shells = self.shell_sums(columns, scores)
        return ShellSums(shells.sums[: largest_distance + 1], shells.differences[: largest_distance + 1])

    @abstractmethod
    def mean_distance(self, rows: Rows) -> float:
        """Return the mean edit distance over all pairs of a batch of different rows; NaN for fewer than two rows."""

    @abstractmethod
    def write(self, rows: Rows) -> list[str]:
        """Return the official string of each row."""

    @abstractmethod
    def read(self, strings: Sequence[str]) -> Rows:
        """Return the row of each official string; raises ArchitectureError for one that is not in the space."""

    def canonical(self, rows: Rows) -> Rows:
        """Return for each row the row that represents its network."""
        return self.rows(self.index(rows))

    def effective(self, rows: Rows) -> Rows:
        """Return each row with the genes that do not affect its network set to a fixed choice, such as no operation.

        The result serves to compare networks gene by gene. It need not be a row of the space.
        """
        return rows

    def choice_shares(self, rows: Rows) -> Floats:
        """Return how often each choice of each gene occurs among the rows that encode the same network.

        Shape (n, sum of `choices`), the choices of the first gene first. Where one row encodes a network, its own
        choices have 1 and all others 0. The genes are those of `effective`.
        """
        return self._one_hot(rows)

    def _one_hot(self, rows: Rows) -> Floats:
        effective = self.effective(rows)
        columns = [effective[:, [gene]] == np.arange(count) for gene, count in enumerate(self.choices)]
        return np.concatenate(columns, axis=1).astype(np.float64)

    def paths(self, rows: Rows) -> Paths | None:
        """Return the paths of each network from input to output, or None if the space does not describe them."""
        return None

    def graphs(self, rows: Rows) -> Graphs | None:
        """Return the labeled graph of each network, or None if the genes of this space already describe it well."""
        return None

    def all_rows(self) -> Rows:
        """Return all architectures in the order of the index, shape (size, genes).

        Raises SettingError if the space is not enumerable.
        """
        if not self.enumerable:
            raise SettingError(
                f"{self.name} has {self.size:.3g} architectures, more than the {ENUMERABLE_SIZE:,} that can be "
                f"enumerated: draw a sample"
            )
        return self.rows(np.arange(self.size, dtype=np.int64))

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """Return `count` different architectures, drawn uniformly, shape (count, genes).

        Raises SettingError if `count` exceeds the size of the space.
        """
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from the {self.size:,} of {self.name}")
        return self.rows(rng.choice(self.size, count, replace=False))

    def checked_index(self, index: Indices) -> Indices:
        """Return the places as int64; raises ArchitectureError for the first place outside the space."""
        index = np.asarray(index, dtype=np.int64)
        outside = (index < 0) | (index >= self.size)
        if outside.any():
            raise ArchitectureError(f"{self.name} has the indices 0 to {self.size - 1}, not {index[outside.argmax()]}")
        return index

    def checked(self, rows: Rows) -> Rows:
        """Return the rows as a uint8 batch; raises ArchitectureError for a wrong shape, dtype or gene."""
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
