"""Box: the single region that most shrinkage methods return, given by the allowed choices of each gene."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import ENUMERABLE_SIZE, Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import Subspace


class Box(Subspace):
    """All architectures of a space whose genes have allowed choices.

    If several rows are the same network, its canonical row decides.

    Parameters
    ----------
    space
        The space.
    allowed

        Which choices each gene may have, shape (genes, largest number of choices).

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> Box.full(macro()).without(0, 2).size
    4374
    """

    def __init__(self, space: Space, allowed: NDArray[np.bool_]) -> None:
        self.space = space
        self.allowed = allowed

    @classmethod
    def full(cls, space: Space) -> "Box":
        """Return the box that allows every choice."""
        return cls(space, np.arange(max(space.choices)) < np.array(space.choices)[:, None])

    @cached_property
    def _rows(self) -> Rows:
        if self._is_product:
            if self.size > ENUMERABLE_SIZE:
                raise SettingError(
                    f"a box of {self.size:.3g} architectures of {self.space.name} is too large to list (at most "
                    f"{ENUMERABLE_SIZE:,}): draw a sample"
                )
            return self._combinations(np.arange(self.size, dtype=np.int64))
        rows = self.space.all_rows()
        return rows[self.contains_rows(rows)]

    @property
    def _is_product(self) -> bool:
        """Whether every combination of choices is an architecture of the space."""
        return self.space.size == np.prod(np.array(self.space.choices, dtype=object))

    @cached_property
    def size(self) -> int:
        if self._is_product:
            return int(np.prod(self.allowed.sum(axis=1).astype(object)))
        return len(self._rows)

    @cached_property
    def index(self) -> Indices:
        return np.sort(self.space.index(self._rows))

    def contains_rows(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether each row itself, rather than its canonical row, is in the box, shape (n,)."""
        return np.all(self.allowed[np.arange(self.space.genes), rows], axis=1)

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.contains_rows(self.space.canonical(rows))

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from a box of {self.size:,}")
        drawn = rng.choice(self.size, count, replace=False)
        return self._combinations(drawn) if self._is_product else self._rows[drawn]

    def _combinations(self, numbers: Indices) -> Rows:
        """Return the combinations of allowed choices with these numbers; the last gene is the least significant."""
        rows = np.empty((len(numbers), self.space.genes), dtype=np.uint8)
        for gene in reversed(range(self.space.genes)):
            choices = np.flatnonzero(self.allowed[gene])
            rows[:, gene] = choices[numbers % len(choices)]
            numbers = numbers // len(choices)
        return rows

    def without(self, gene: int, choice: int) -> "Box":
        """Return the box without this choice of this gene."""
        allowed = self.allowed.copy()
        allowed[gene, choice] = False
        return self._part(allowed, lambda rows: rows[:, gene] != choice)

    def restricted_to(self, gene: int, choice: int) -> "Box":
        """Return the box in which this gene may only have this choice."""
        allowed = self.allowed.copy()
        allowed[gene] = False
        allowed[gene, choice] = True
        return self._part(allowed, lambda rows: rows[:, gene] == choice)

    def _part(self, allowed: NDArray[np.bool_], belongs: Callable[[Rows], NDArray[np.bool_]]) -> "Box":
        part = Box(self.space, allowed)
        if "_rows" in self.__dict__:  # filter the rows instead of enumerating them again
            part.__dict__["_rows"] = self._rows[belongs(self._rows)]
        return part

    def mean_scores(self, rows: Rows, scores: Floats) -> Floats:
        """Return for each choice the mean score of the given rows in the box that have it, shape of `allowed`.

        NaN for a choice that is not allowed or that no row has.
        """
        in_box = self.contains_rows(rows)
        genes, choices = self.allowed.shape
        place = (rows[in_box] + choices * np.arange(genes)).ravel()
        counts = np.bincount(place, minlength=genes * choices).reshape(genes, choices)
        sums = np.bincount(place, np.repeat(scores[in_box], genes), genes * choices).reshape(genes, choices)
        return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=self.allowed & (counts > 0))

    def droppable(self) -> NDArray[np.bool_]:
        """Return which allowed choices are not the last one of their gene, shape of `allowed`."""
        return self.allowed & (self.allowed.sum(axis=1, keepdims=True) > 1)


def shrink_box(box: Box, size: int, values: Floats | Callable[[Box], Floats]) -> Box:
    """Return the box whose size is nearest to `size`, after dropping the choice of lowest value repeatedly.

    Parameters
    ----------
    box
        Where to start.
    size
        The target. The nearest size is the one with the ratio nearest to 1.
    values
        The value of each choice, shape of `box.allowed`, or a function that returns the values for each smaller box. A
        choice whose value is NaN stays, because nothing is known about it.
    """
    while box.size > size:
        valued = np.where(box.droppable(), values(box) if callable(values) else values, np.nan)
        if np.isnan(valued).all():
            return box
        gene, choice = np.unravel_index(np.nanargmin(valued), valued.shape)
        smaller = box.without(int(gene), int(choice))
        if smaller.size == 0 or smaller.size * box.size < size**2:
            return box
        box = smaller
    return box
