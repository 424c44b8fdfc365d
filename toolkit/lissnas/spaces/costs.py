"""Costs: multiply-accumulates or parameters of batches of architectures, as a sum over genes."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Indices, Rows


class Costs:
    """A cost that adds up over genes: each choice adds a fixed amount, independent of the other genes.

    Parameters
    ----------
    fixed
        The part of the cost that all architectures share: multiply-accumulates for one image, or parameters.
    by_choice
        For each gene the amount that each of its choices adds, shape (genes, choices of the gene).

    Examples
    --------
    >>> Costs(10, [[0, 5], [1, 2]])(np.array([[1, 0]], dtype=np.uint8)).tolist()
    [16]
    """

    def __init__(self, fixed: int, by_choice: Sequence[Sequence[int]]) -> None:
        self.fixed = fixed
        self.by_choice = tuple(tuple(added) for added in by_choice)

    @cached_property
    def _added(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.array(added, dtype=np.int64) for added in self.by_choice)

    def __call__(self, rows: Rows) -> Indices:
        """Return the cost of each row, int64 of shape (n,); the rows must be valid."""
        total = np.full(len(rows), self.fixed, dtype=np.int64)
        for gene, added in enumerate(self._added):
            total += added[rows[:, gene]]
        return total

    @property
    def minimum(self) -> int:
        """The cost of the cheapest architecture."""
        return self.fixed + sum(map(min, self.by_choice))

    @property
    def maximum(self) -> int:
        """The cost of the most expensive architecture."""
        return self.fixed + sum(map(max, self.by_choice))
