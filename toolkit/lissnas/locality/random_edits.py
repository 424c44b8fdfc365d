"""Random edits: what one or several edits, drawn at random, make of architectures of a space of any size."""

import numpy as np

from lissnas.spaces.space import Rows, Space

_ROWS_AT_ONCE = 1 << 12
"""Of how many architectures the neighbors are listed together: bounds the memory to some tens of megabytes."""


def edited(space: Space, rows: Rows, rng: np.random.Generator) -> Rows:
    """Return one neighbor of each architecture, each neighbor as likely as any other, shape (n, genes).

    An architecture without neighbors stays as it is.
    """
    chosen = rows.copy()
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[first : first + _ROWS_AT_ONCE]
        neighbors, source = space.neighbors(block)
        degrees = np.bincount(source, minlength=len(block))
        starts = np.cumsum(degrees) - degrees
        linked = np.flatnonzero(degrees)
        chosen[first + linked] = neighbors[starts[linked] + rng.integers(degrees[linked])]
    return chosen


def random_walks(space: Space, starts: Rows, steps: int, rng: np.random.Generator) -> Rows:
    """Return a walk of single random edits from each start, shape (steps + 1, n, genes)."""
    walks = [starts]
    for _ in range(steps):
        walks.append(edited(space, walks[-1], rng))
    return np.stack(walks)
