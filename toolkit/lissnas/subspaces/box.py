"""Box: the single region that most shrinkage methods keep, the choices that are left for each gene."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import ENUMERABLE_SIZE, Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import Subspace


class Box(Subspace):
    """All architectures of a space whose every gene holds one of the choices left for it.

    Where several rows are the same network, the row that stands for them counts.

    Parameters
    ----------
    space
        The space.
    left
        Shape (genes, largest number of choices): which choices are left.
    """

    def __init__(self, space: Space, allowed: NDArray[np.bool_]) -> None:
        self.space = space
        self.allowed = allowed

    @classmethod
    def whole(cls, space: Space) -> "Box":
        """Return the box that leaves every choice."""
        return cls(space, np.arange(max(space.choices)) < np.array(space.choices)[:, None])

    @cached_property
    def _rows(self) -> Rows:
        if self._is_product:
            if self.size > ENUMERABLE_SIZE:
                raise SettingError(
                    f"a box of {self.size:.3g} architectures of {self.space.name} is not listed, being more than "
                    f"{ENUMERABLE_SIZE:,}: draw a sample"
                )
            return self._combinations(np.arange(self.size, dtype=np.int64))
        rows = self.space.all_rows()
        return rows[self.contains_rows(rows)]

    @property
    def _is_product(self) -> bool:
        """Whether every combination of the choices left is an architecture."""
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
        """Tell for each row, not the network it stands for, whether it lies in the box, shape (n,)."""
        return np.all(self.allowed[np.arange(self.space.genes), rows], axis=1)

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.contains_rows(self.space.canonical(rows))

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from a box of {self.size:,}")
        drawn = rng.choice(self.size, count, replace=False)
        return self._combinations(drawn) if self._is_product else self._rows[drawn]

    def _combinations(self, numbers: Indices) -> Rows:
        """Return combinations of the choices left by their numbers, the last gene counting least."""
        rows = np.empty((len(numbers), self.space.genes), dtype=np.uint8)
        for gene in reversed(range(self.space.genes)):
            choices = np.flatnonzero(self.allowed[gene])
            rows[:, gene] = choices[numbers % len(choices)]
            numbers = numbers // len(choices)
        return rows

    def without(self, gene: int, choice: int) -> "Box":
        """Return the box that leaves one choice less."""
        left = self.allowed.copy()
        left[gene, choice] = False
        return self._part(left, lambda rows: rows[:, gene] != choice)

    def restricted_to(self, gene: int, choice: int) -> "Box":
        """Return the part of the box that holds this choice."""
        left = self.allowed.copy()
        left[gene] = False
        left[gene, choice] = True
        return self._part(left, lambda rows: rows[:, gene] == choice)

    def _part(self, allowed: NDArray[np.bool_], belongs: Callable[[Rows], NDArray[np.bool_]]) -> "Box":
        part = Box(self.space, allowed)
        if "_rows" in self.__dict__:  # what was enumerated once is only filtered
            part.__dict__["_rows"] = self._rows[belongs(self._rows)]
        return part

    def mean_scores(self, rows: Rows, scores: Floats) -> Floats:
        """Return the mean score of the scored rows in the box that hold each choice, shape of `left`.

        NaN for a choice that is gone or was never seen.
        """
        inside = self.contains_rows(rows)
        genes, choices = self.allowed.shape
        held = (rows[inside] + choices * np.arange(genes)).ravel()
        counts = np.bincount(held, minlength=genes * choices).reshape(genes, choices)
        sums = np.bincount(held, np.repeat(scores[inside], genes), genes * choices).reshape(genes, choices)
        return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=self.allowed & (counts > 0))

    def droppable(self) -> NDArray[np.bool_]:
        """Mark the choices left that are not the last one of their gene, shape of `left`."""
        return self.allowed & (self.allowed.sum(axis=1, keepdims=True) > 1)


def shrink_box(box: Box, size: int, values: Floats | Callable[[Box], Floats]) -> Box:
    """Drop the choice of lowest value again and again, until the box's size is as near as it gets to `size`.

    Nearness is judged by the ratio of the sizes. `values` are those of each choice, of the shape of `box.allowed`, or a
    function that gives them anew for each smaller box; NaN where a choice must stay because it was never judged.
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
