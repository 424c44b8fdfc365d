"""Concordance: for each architecture, its concordant minus its discordant pairs under two scores.

Kendall's tau and its weighted form are sums of it. Many bootstrap draws are counted together: a draw is a vector of how
often each architecture occurs, and all draws go through the same matrix products. The order of each score is cut into
blocks. Pairs within a block are a product with a matrix of signs; all other pairs are sums over a grid of blocks. The
algorithm is our own. It is exact, in integers throughout.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Floats, Indices

DrawCounts = NDArray[np.float32]
"""How often each architecture occurs in each draw: integer values, shape (architectures, draws)."""

_BLOCK = 256
"""Number of architectures in a block: the fastest of 128, 256 and 512 for 15,625 architectures."""


class TieGroups:
    """The architectures in groups of equal score.

    Attributes
    ----------
    values
        The score of each group, ascending, shape (groups,).
    group_of
        The group of each architecture, shape (architectures,).
    has_no_ties
        Whether all scores are different.
    """

    def __init__(self, scores: Floats) -> None:
        self.values, group_of = np.unique(scores, return_inverse=True)
        self.group_of: Indices = group_of.astype(np.int64)
        self._order = np.argsort(self.group_of, kind="stable")
        self._starts = np.searchsorted(self.group_of[self._order], np.arange(len(self.values)))
        self.has_no_ties = len(self.values) == len(self.group_of)

    def sizes(self, counts: DrawCounts) -> DrawCounts:
        """Return the size of each group in each draw, shape (groups, draws)."""
        sorted_counts = counts[self._order]
        return sorted_counts if self.has_no_ties else np.add.reduceat(sorted_counts, self._starts, axis=0)

    def tied_counts(self, counts: DrawCounts) -> DrawCounts:
        """Return the size of each architecture's group in each draw, itself included, shape (architectures, draws)."""
        return counts if self.has_no_ties else self.sizes(counts)[self.group_of]


@dataclass(frozen=True)
class _Order:
    """The architectures ordered by one score, ties by the other, with the place and the block of each."""

    networks: Indices
    place: Indices
    block: Indices


class Concordance:
    """Two scores of the same architectures, prepared to count the concordance of many draws.

    Attributes
    ----------
    x, y, both
        The architectures grouped by the first score, by the second score, and by both.
    by_x, by_y
        The architectures in ascending order of one score; ties are in the order of the other.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = TieGroups(x), TieGroups(y)
        self.both = TieGroups((self.x.group_of * len(y) + self.y.group_of).astype(np.float64))
        self._blocks = -(-len(x) // _BLOCK)
        self._x, self._y = (_order(np.lexsort((second, first))) for first, second in ((x, y), (y, x)))
        self.by_x, self.by_y = self._x.networks, self._y.networks
        self._by_cell = np.lexsort((self._y.place, self._x.block))
        cell = (self._x.block * self._blocks + self._y.block)[self._by_cell]
        self._cell_starts = np.flatnonzero(np.diff(cell, prepend=-1))
        self._cell = cell

    def net(self, counts: DrawCounts) -> DrawCounts:
        """Return the concordant minus the discordant pairs of each architecture, shape (architectures, draws).

        Pairs that tie in either score count as neither. The architecture need not be in the draw itself.
        """
        net = np.empty_like(counts)
        net[self._by_cell] = self._across_blocks(counts)
        self._add_within_blocks(self._by_cell, counts, net)
        self._add_within_blocks(self.by_y, counts, net, skip_same_x=True)
        net += self.both.tied_counts(counts)  # ties were counted as concordant so far
        net -= self.x.tied_counts(counts)
        net -= self.y.tied_counts(counts)
        return net

    def _across_blocks(self, counts: DrawCounts) -> DrawCounts:
        """Return the net pairs that differ in both blocks, in the order of `_by_cell`."""
        draws = counts.shape[1]
        cells = np.zeros((self._blocks**2, draws), dtype=np.float32)
        cells[self._cell[self._cell_starts]] = np.add.reduceat(counts[self._by_cell], self._cell_starts, axis=0)
        grid: DrawCounts = cells.reshape(self._blocks, self._blocks, draws)
        for axis in (0, 1):
            grid = _before_minus_after(grid, axis)
        return grid.reshape(self._blocks**2, draws)[self._cell]

    def _add_within_blocks(
        self, order: Indices, counts: DrawCounts, net: DrawCounts, skip_same_x: bool = False
    ) -> None:
        """Add the pairs within each block of an order to `net`; optionally skip pairs that share a block of x."""
        for first in range(0, len(order), _BLOCK):
            block = order[first : first + _BLOCK]
            x, y = self._x.place[block], self._y.place[block]
            signs = np.where((x[:, None] >= x) == (y[:, None] >= y), np.float32(1), np.float32(-1))
            if skip_same_x:
                signs[self._x.block[block][:, None] == self._x.block[block]] = 0
            net[block] += signs @ counts[block]


def _order(networks: Indices) -> _Order:
    place = np.empty(len(networks), dtype=np.int64)
    place[networks] = np.arange(len(networks))
    return _Order(networks, place, place // _BLOCK)


def _before_minus_after(counts: DrawCounts, axis: int) -> DrawCounts:
    """Return for each position the sum of all before it minus the sum of all after it, along an axis."""
    running = np.cumsum(counts, axis=axis)
    total = np.take(running, [-1], axis=axis)
    running *= 2
    running -= counts
    running -= total
    return running
