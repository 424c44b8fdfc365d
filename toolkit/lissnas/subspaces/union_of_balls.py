"""UnionOfBalls: all architectures near some seeds, held as the seeds and a radius; for spaces of 10^12 or 10^17.

A member is drawn without favor to overlaps by drawing a ball, then one of its members, and accepting that with
probability 1 / (number of balls that hold it); the same numbers estimate the size. Karp and Luby, "Monte-Carlo
algorithms for enumeration and reliability problems", FOCS 1983.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Indices, Rows, Space
from lissnas.subspaces.hamming_ball import HammingBall
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, distinct

MAX_LISTED = 4_000_000
"""How many architectures, counted once for each ball that holds them, are listed one by one (our own choice)."""

_PAIRS_AT_ONCE = 1 << 24
"""How many distances to seeds are held at once: a byte each."""

_DRAWN_AT_ONCE = 1 << 16

_EXPANDED_AT_ONCE = 1 << 13
"""Of how many architectures the neighbors are held at once: about a hundred each."""


class UnionOfBalls(Subspace):
    """All architectures at most `radius` edits away from one of the seeds.

    Parameters
    ----------
    space
        A categorical space of any size.
    seeds
        Shape (n, genes); repeated ones count once.
    radius
        0 or more.

    Attributes
    ----------
    ball_size
        How many architectures each ball holds.

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
        """How many architectures it holds, exactly.

        Raises SettingError where the balls that overlap are too many to be listed: see `size_bounds` and
        `estimate_size`.
        """
        at_least, at_most = self.size_bounds
        if at_least != at_most:
            raise SettingError(
                f"{len(self.seeds):,} overlapping balls of {self.ball_size:,} are too many to be counted exactly: "
                f"they hold {at_least:,} to {at_most:,} architectures; call estimate_size"
            )
        return at_least

    @cached_property
    def size_bounds(self) -> tuple[int, int]:
        """The least and the largest number of architectures that it may hold; equal where it was counted.

        Balls overlap if their seeds are at most twice the radius apart. Groups of overlapping balls are listed one by
        one, the small ones first, as far as that goes. A group that is too large holds at least what is listed of it,
        and at least the balls of seeds, found one after the other, that are too far apart to overlap.
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
        """Return how many of the seeds, taken greedily, have balls that do not overlap."""
        count = 0
        while len(seeds):
            count += 1
            seeds = seeds[self.space.distances(seeds[:1], seeds)[0] > 2 * self.radius]
        return count

    @cached_property
    def index(self) -> Indices:
        """As Subspace.index; raises SettingError where they are too many to be listed."""
        if len(self.seeds) * self.ball_size > MAX_LISTED:
            raise SettingError(
                f"{len(self.seeds):,} balls of {self.ball_size:,} architectures are not listed one by one, being more "
                f"than {MAX_LISTED:,}: draw a sample, or take fewer seeds or a smaller radius"
            )
        return distinct(self._ball.list_members(self.seeds))

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return self.count_balls(rows) > 0

    def count_balls(self, rows: Rows) -> Indices:
        """Return how many balls hold each row, shape (n,)."""
        step = max(1, _PAIRS_AT_ONCE // len(self.seeds))
        holding = [
            np.count_nonzero(self.space.distances(rows[first : first + step], self.seeds) <= self.radius, axis=1)
            for first in range(0, max(1, len(rows)), step)
        ]
        return np.concatenate(holding)

    def draw_with_repeats(self, count: int, rng: np.random.Generator) -> Rows:
        """Draw a ball and one of its members `count` times: overlaps are favored."""
        return self._ball.sample(self.seeds[rng.integers(len(self.seeds), size=count)], rng)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        few = 2 * count <= self.ball_size
        if count < 0 or not (few or count <= self.size_bounds[0]):
            at_least, at_most = self.size_bounds
            raise SettingError(
                f"cannot draw {count:,} different architectures from a union of balls that holds {at_least:,}"
                + ("" if at_least == at_most else f" to {at_most:,}, which could not be counted exactly")
            )
        if not few and 2 * count > self.size_bounds[0]:
            return ExplicitSubspace(self.space, self.index).sample(count, rng)
        index: Indices = np.empty(0, dtype=np.int64)
        drawn = accepted = 1
        while len(index) < count:
            rows = self.draw_with_repeats(min(16 + (count - len(index)) * drawn // accepted, _DRAWN_AT_ONCE), rng)
            kept = rng.random(len(rows)) * self.count_balls(rows) < 1
            drawn, accepted = drawn + len(rows), accepted + int(kept.sum())
            index = np.concatenate([index, self.space.index(rows[kept])])
            index = index[np.sort(np.unique(index, return_index=True)[1])]
        return self.space.rows(index[:count])

    def seed_pockets(self) -> NDArray[np.int32]:
        """Return which pocket the ball of each seed belongs to, shape (seeds,), that of most seeds being number 0.

        Two balls are one pocket if their seeds are at most 2 r + 1 edits apart. Each ball hangs together, since
        from any member one edit after the other leads to the seed. On a shortest way between seeds d apart, the member
        of the one ball that is r away from its seed is d - r away from the other seed: for d <= 2 r the balls share it,
        for d = 2 r + 1 the next step enters the other ball. Any members of balls further apart differ by at least
        d - 2 r >= 2 edits.
        """
        return self._groups(2 * self.radius + 1)

    def _groups(self, distance: int) -> NDArray[np.int32]:
        """Return which group each seed is in if seeds at most so far apart are joined; the largest is number 0."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(self.seeds)
        step = max(1, _PAIRS_AT_ONCE // count)
        pairs = []
        for first in range(0, count, step):
            near = self.space.distances(self.seeds[first : first + step], self.seeds) <= distance
            pairs.append(np.argwhere(near) + np.array([first, 0]))
        one, other = np.concatenate(pairs).T
        edges = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
        groups, label = connected_components(edges, directed=False)
        rank = np.empty(groups, dtype=np.int32)
        rank[np.argsort(-np.bincount(label), kind="stable")] = np.arange(groups, dtype=np.int32)
        return rank[label]


def balls(space: Space, seeds: Rows, radius: int) -> Subspace:
    """Return every architecture at most `radius` edits away from a seed.

    In a categorical space that cannot be enumerated they are a `UnionOfBalls`; otherwise they are listed. Raises
    SettingError where more than `MAX_LISTED` would have to be listed.
    """
    if isinstance(space, CategoricalSpace) and not space.enumerable:
        return UnionOfBalls(space, seeds, radius)
    known = index = distinct(space.index(seeds))
    for reached in range(radius):
        edge = index if reached == 0 else index[~np.isin(index, known, assume_unique=True)]
        beyond = [np.empty(0, dtype=np.int64)]
        for first in range(0, len(edge), _EXPANDED_AT_ONCE):
            neighbors, _source = space.neighbors(space.rows(edge[first : first + _EXPANDED_AT_ONCE]))
            beyond.append(distinct(space.index(neighbors)))
            if len(index) + sum(map(len, beyond)) > MAX_LISTED:
                raise SettingError(
                    f"the networks within {radius} edits of {len(seeds):,} seeds in {space.name} are more than the "
                    f"{MAX_LISTED:,} that are listed at most: take fewer seeds or a smaller radius"
                )
        known = index
        index = distinct(np.concatenate([known, *beyond]))
    return ExplicitSubspace(space, index)
