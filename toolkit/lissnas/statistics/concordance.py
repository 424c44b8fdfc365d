"""Concordance: how many networks two scores order the same way as a given one, less how many they order the other way.

Kendall's tau and its weighted form are sums of it. It is counted for many bootstrap draws together: a draw is a vector
of how often each network occurs in it, and all draws go through the same matrix products. Networks are cut into blocks
by either score's order: pairs within a block are a product with its matrix of signs, and all other pairs are sums over
a grid of blocks (our own; exact, whole numbers throughout).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Floats, Indices

Times = NDArray[np.float32]
"""How often each network occurs in each draw: whole numbers, shape (networks, draws)."""

_BLOCK = 256
"""How many networks are compared pair by pair at once: the fastest of 128, 256 and 512 for 15,625 networks."""


class Groups:
    """The networks in groups of equal score.

    Attributes
    ----------
    values
        The score of each group, ascending.
    of
        Which group each network belongs to.
    """

    def __init__(self, scores: Floats) -> None:
        self.values, of = np.unique(scores, return_inverse=True)
        self.of: Indices = of.astype(np.int64)
        self._order = np.argsort(self.of, kind="stable")
        self._starts = np.searchsorted(self.of[self._order], np.arange(len(self.values)))
        self.untied = len(self.values) == len(self.of)

    def sizes(self, times: Times) -> Times:
        """Return how many networks of each group are in each draw, shape (groups, draws)."""
        sorted_times = times[self._order]
        return sorted_times if self.untied else np.add.reduceat(sorted_times, self._starts, axis=0)

    def alike(self, times: Times) -> Times:
        """Return how many networks of each network's own group are in each draw, shape (networks, draws)."""
        return times if self.untied else self.sizes(times)[self.of]


@dataclass(frozen=True)
class _Order:
    """The networks by one score, ties by the other, cut into blocks; `place` and `block` are each network's."""

    networks: Indices
    place: Indices
    block: Indices


class Concordance:
    """Two scores of the same networks, prepared for the concordance of many draws of them.

    Attributes
    ----------
    x, y, both
        The groups of networks of equal first score, of equal second score, and equal in both.
    by_x, by_y
        The networks in ascending order of either score; of equal ones in that of the other.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = Groups(x), Groups(y)
        self.both = Groups((self.x.of * len(y) + self.y.of).astype(np.float64))
        self._blocks = -(-len(x) // _BLOCK)
        self._x, self._y = (_order(np.lexsort((second, first))) for first, second in ((x, y), (y, x)))
        self.by_x, self.by_y = self._x.networks, self._y.networks
        self._by_cell = np.lexsort((self._y.place, self._x.block))
        cell = (self._x.block * self._blocks + self._y.block)[self._by_cell]
        self._cell_starts = np.flatnonzero(np.diff(cell, prepend=-1))
        self._cell = cell

    def net(self, times: Times) -> Times:
        """Return for each network its concordant less its discordant pairs in each draw, shape (networks, draws).

        Pairs that tie in either score count as neither. Whether a network is in the draw itself does not matter.
        """
        net = np.empty_like(times)
        net[self._by_cell] = self._across_blocks(times)
        self._add_within_blocks(self._by_cell, times, net)
        self._add_within_blocks(self.by_y, times, net, but_same_x=True)
        net += self.both.alike(times)  # those that tie have counted as concordant
        net -= self.x.alike(times)
        net -= self.y.alike(times)
        return net

    def _across_blocks(self, times: Times) -> Times:
        """Count the pairs that differ in both blocks; networks by cell of the grid."""
        draws = times.shape[1]
        cells = np.zeros((self._blocks**2, draws), dtype=np.float32)
        cells[self._cell[self._cell_starts]] = np.add.reduceat(times[self._by_cell], self._cell_starts, axis=0)
        grid: Times = cells.reshape(self._blocks, self._blocks, draws)
        for axis in (0, 1):
            grid = _below_less_above(grid, axis)
        return grid.reshape(self._blocks**2, draws)[self._cell]

    def _add_within_blocks(self, order: Indices, times: Times, net: Times, but_same_x: bool = False) -> None:
        """Add the pairs within each block of an order, without those of one block of x if they were counted."""
        for first in range(0, len(order), _BLOCK):
            block = order[first : first + _BLOCK]
            x, y = self._x.place[block], self._y.place[block]
            signs = np.where((x[:, None] >= x) == (y[:, None] >= y), np.float32(1), np.float32(-1))
            if but_same_x:
                signs[self._x.block[block][:, None] == self._x.block[block]] = 0
            net[block] += signs @ times[block]


def _order(networks: Indices) -> _Order:
    place = np.empty(len(networks), dtype=np.int64)
    place[networks] = np.arange(len(networks))
    return _Order(networks, place, place // _BLOCK)


def _below_less_above(counts: Times, axis: int) -> Times:
    """Return the sum of all that lie before along an axis, less that of all after."""
    running = np.cumsum(counts, axis=axis)
    total = np.take(running, [-1], axis=axis)
    running *= 2
    running -= counts
    running -= total
    return running
