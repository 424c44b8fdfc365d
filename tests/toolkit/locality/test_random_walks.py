"""Random edits are uniform over the neighbors, and walks take one edit at a time."""

from itertools import pairwise
from typing import Any

import numpy as np
from lissnas.locality import random_walks as random_walks_module
from lissnas.locality.random_walks import random_neighbors, random_walks
from lissnas.spaces.published.darts import darts


def test_all_neighbors_are_equally_likely(small: Any) -> None:
    draws = 4000
    for place in range(min(5, small.space.size)):
        rows = small.space.rows(np.full(draws, place))
        found = small.space.index(random_neighbors(small.space, rows, np.random.default_rng(place)))
        neighbors = np.flatnonzero(small.distance[place] == 1)
        counts = np.bincount(found, minlength=small.space.size)
        assert counts[neighbors].sum() == draws
        expected = draws / len(neighbors)
        # The tolerance is five standard deviations of a binomial count.
        assert (np.abs(counts[neighbors] - expected) < 5 * np.sqrt(expected)).all()


def test_walks_take_one_edit_at_a_time() -> None:
    space, rng = darts(), np.random.default_rng(0)
    walks = random_walks(space, space.sample(200, rng), 5, rng)
    assert walks.shape == (6, 200, space.genes)
    for before, after in pairwise(walks):
        assert (space.distance(before, after) == 1).all()


def test_the_same_seed_gives_the_same_neighbors_and_small_blocks_give_neighbors(small: Any, monkeypatch: Any) -> None:
    rows = small.space.all_rows()
    first = random_neighbors(small.space, rows, np.random.default_rng(3))
    np.testing.assert_array_equal(random_neighbors(small.space, rows, np.random.default_rng(3)), first)
    monkeypatch.setattr(random_walks_module, "_ROWS_AT_ONCE", 4)
    neighbors = small.space.index(random_neighbors(small.space, rows, np.random.default_rng(3)))
    assert (small.distance[np.arange(len(rows)), neighbors] == 1).all()
