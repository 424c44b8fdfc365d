"""UnionOfBalls: all architectures near some seeds, stored as seeds and a radius; for spaces of 10^12 or 10^17.

Members are drawn uniformly even where balls overlap: draw a ball, then one of its members, and accept it with
probability 1 / (number of balls that contain it). The same numbers estimate the size. Karp and Luby, "Monte-Carlo
algorithms for enumeration and reliability problems", FOCS 1983.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Indices, Rows, Space
from lissnas.subspaces.hamming_ball import HammingBall
from lissnas.subspaces.pockets import components
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, distinct

MAX_LISTED = 4_000_000
"""Maximum number of architectures to list, counted once for each ball that contains them (our own choice)."""

_PAIRS_AT_ONCE = 1 << 24
"""Maximum number of distances held in memory at once, one byte each."""

_MAX_BATCH = 1 << 16
"""Maximum number of architectures drawn at once."""

_EXPANDED_AT_ONCE = 1 << 13
"""Number of architectures whose neighbors are held in memory at once, about a hundred for each."""


class UnionOfBalls(Subspace):
    """All architectures at most `radius` edits away from one of the seeds.

    Parameters
    ----------
    space
        A categorical space of any size.
    seeds
        The centers of the balls, shape (n, genes); repeated rows count once.
    radius
        Maximum edit distance from a seed, 0 or more.

    Attributes
    ----------
    ball_size
        Number of architectures in each ball.

    Raises
    ------
    SettingError
        If there are no seeds, or the radius exceeds the number of genes.

    Examples
    --------
    >>> space = CategoricalSpace("twenty layers", ("abcd",) * 20, "{}" * 20)
    >>> UnionOfBalls(space, space.read(["a" * 20, "b" * 20]), radius=2).size
    3542
    """

    space: CategoricalSpace

    def __init__(self, space: CategoricalSpace, seeds: Rows, radius: int) -> None:
        _place, first = np.unique(space.index(seeds), return_index=True)
        if not len(first):
            raise SettingError("a union of balls needs at least one seed")
        self.space = space
        self.seeds: Rows = seeds[np.sort(first)]
        self.radius = radius
        self._ball = HammingBall(space, radius)
        self.ball_size = self._ball.size

    @property
    def size(self) -> int:
        """The exact number of architectures.

        Raises SettingError if overlapping balls are too large to be listed: see `size_bounds` and `estimate_size`.
        """
        at_least, at_most = self.size_bounds
        if at_least != at_most:
            raise SettingError(
                f"{len(self.seeds):,} overlapping balls of {self.ball_size:,} are too large to be counted exactly: "
                f"they contain {at_least:,} to {at_most:,} architectures; call estimate_size"
            )
        return at_least

    @cached_property
    def size_bounds(self) -> tuple[int, int]:
        """Lower and upper bound of the number of architectures; equal if they could be counted.

        Balls overlap if their seeds are at most twice the radius apart. Groups of overlapping balls are listed, small
        groups first, up to MAX_LISTED architectures. A group beyond that is bounded from below by its listed part, and
        by its balls that do not overlap, chosen greedily.
        """
        group = self._groups(2 * self.radius)
        at_least = at_most = listed = 0
        for seeds in sorted((self.seeds[group == number] for number in range(group.max() + 1)), key=len):
            least = most = len(seeds) * self.ball_size
            if len(seeds) > 1:
                part = seeds[: (MAX_LISTED - listed) // self.ball_size]
                listed += len(part) * self.ball_size
                least = len(distinct(self._ball.list_members(part))) if len(part) else 0
                if len(part) == len(seeds):
                    most = least
                else:
                    least = max(least, self._apart(seeds) * self.ball_size)
            at_least, at_most = at_least + least, at_most + most
        return at_least, min(at_most, self.space.size)

    def _apart(self, seeds: Rows) -> int:
        """Return the number of seeds, chosen greedily, whose balls do not overlap."""
        count = 0
        while len(seeds):
            count += 1
            seeds = seeds[self.space.distances(seeds[:1], seeds)[0] > 2 * self.radius]
        return count

    @cached_property
    def index(self) -> Indices:
        """As Subspace.index; raises SettingError if the architectures are too many to be listed."""
        if len(self.seeds) * self.ball_size > MAX_LISTED:
            raise SettingError(
                f"{len(self.seeds):,} balls of {self.ball_size:,} architectures are too many to list (at most "
                f"{MAX_LISTED:,}): draw a sample, or use fewer seeds or a smaller radius"
            )
        return distinct(self._ball.list_members(self.seeds))

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.count_balls(rows) > 0

    def count_balls(self, rows: Rows) -> Indices:
        """Return the number of balls that contain each row, shape (n,)."""
        step = max(1, _PAIRS_AT_ONCE // len(self.seeds))
        counts = [
            np.count_nonzero(self.space.distances(rows[first : first + step], self.seeds) <= self.radius, axis=1)
            for first in range(0, max(1, len(rows)), step)
        ]
        return np.concatenate(counts)

    def draw_with_repeats(self, count: int, rng: np.random.Generator) -> Rows:
        """Return a random member of a random ball, `count` times; members of several balls are drawn more often."""
        return self._ball.sample(self.seeds[rng.integers(len(self.seeds), size=count)], rng)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        few = 2 * count <= self.ball_size
        if count < 0 or not (few or count <= self.size_bounds[0]):
            at_least, at_most = self.size_bounds
            raise SettingError(
                f"cannot draw {count:,} different architectures from a union of balls with {at_least:,}"
                + ("" if at_least == at_most else f" to {at_most:,}, which could not be counted exactly")
            )
        if not few and 2 * count > self.size_bounds[0]:
            return ExplicitSubspace(self.space, self.index).sample(count, rng)
        index: Indices = np.empty(0, dtype=np.int64)
        drawn = accepted = 1
        while len(index) < count:
            rows = self.draw_with_repeats(min(16 + (count - len(index)) * drawn // accepted, _MAX_BATCH), rng)
            is_accepted = rng.random(len(rows)) * self.count_balls(rows) < 1
            drawn, accepted = drawn + len(rows), accepted + int(is_accepted.sum())
            index = np.concatenate([index, self.space.index(rows[is_accepted])])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
        return self.space.rows(index[:count])

    def seed_pockets(self) -> NDArray[np.int32]:
        """Return the number of the pocket of each seed's ball, shape (seeds,); pocket 0 has the most seeds.

        Two balls are in one pocket if their seeds are at most 2 r + 1 edits apart. Each ball is connected, since single
        edits lead from any member to the seed. On a shortest path between two seeds at distance d, the last member of
        the first ball is r edits from its seed and d - r from the other seed. If d <= 2 r, both balls contain it. If
        d = 2 r + 1, the next step enters the other ball. If d is larger, members of the two balls differ by at least
        d - 2 r >= 2 edits.
        """
        return self._groups(2 * self.radius + 1)

    def _groups(self, distance: int) -> NDArray[np.int32]:
        """Return the group of each seed if seeds within this distance are joined; group 0 is the largest."""
        count = len(self.seeds)
        step = max(1, _PAIRS_AT_ONCE // count)
        pairs = []
        for first in range(0, count, step):
            near = self.space.distances(self.seeds[first : first + step], self.seeds) <= distance
            pairs.append(np.argwhere(near) + np.array([first, 0]))
        return components(count, *np.concatenate(pairs).T)


def balls(space: Space, seeds: Rows, radius: int) -> Subspace:
    """Return the subspace of all architectures at most `radius` edits away from a seed.

    It is a `UnionOfBalls` in a categorical space that cannot be enumerated, and a list otherwise. Raises SettingError
    if the list would have more than `MAX_LISTED` architectures.
    """
    if isinstance(space, CategoricalSpace) and not space.enumerable:
        return UnionOfBalls(space, seeds, radius)
    known = index = distinct(space.index(seeds))
    for reached in range(radius):
        border = index if reached == 0 else index[~np.isin(index, known, assume_unique=True)]
        beyond = [np.empty(0, dtype=np.int64)]
        for first in range(0, len(border), _EXPANDED_AT_ONCE):
            neighbors, _source = space.neighbors(space.rows(border[first : first + _EXPANDED_AT_ONCE]))
            beyond.append(distinct(space.index(neighbors)))
            if len(index) + sum(map(len, beyond)) > MAX_LISTED:
                raise SettingError(
                    f"more than {MAX_LISTED:,} networks are within {radius} edits of {len(seeds):,} seeds in "
                    f"{space.name}, too many to list: use fewer seeds or a smaller radius"
                )
        known = index
        index = distinct(np.concatenate([known, *beyond]))
    return ExplicitSubspace(space, index)
