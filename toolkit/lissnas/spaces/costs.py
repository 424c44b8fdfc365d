"""Costs: multiply-accumulates or parameters of whole batches of architectures, from what each choice adds."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Indices, Rows


class Costs:
    """A cost to which every choice of every gene adds its own, whatever the others are.

    Parameters
    ----------
    fixed
        What every architecture costs, in whatever is counted: multiply-accumulates an image, or parameters.
    by_choice
        For each gene what each of its choices adds, shape (genes, choices of the gene).
    """

    def __init__(self, fixed: int, by_choice: Sequence[Sequence[int]]) -> None:
        self.fixed = fixed
        self.by_choice = tuple(tuple(added) for added in by_choice)

    @cached_property
    def _added(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.array(added, dtype=np.int64) for added in self.by_choice)

    def __call__(self, rows: Rows) -> Indices:
        """Return the cost of each row of a space's checked rows, int64 of shape (n,)."""
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
        """The cost of the dearest architecture."""
        return self.fixed + sum(map(max, self.by_choice))
