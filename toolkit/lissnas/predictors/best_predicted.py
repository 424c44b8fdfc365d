"""The architectures of a space with the highest predictions, also where the space cannot be enumerated.

Isomorphic architectures have equal predictions. Which of them come first is drawn (our own choice): by their index, the
result would depend on the order in which a space lists them.
"""

from collections.abc import Callable

import numpy as np

from lissnas.spaces.space import Floats, Indices, Rows, Space

_EXPANDED_AT_ONCE = 100
"""Number of architectures whose neighbors are added in one step, where the space cannot be enumerated."""

_MAX_EXPANSIONS = 30
"""Maximum number of such steps: bounds the time (our own choice)."""


def best_predicted(
    space: Space, predict: Callable[[Rows], Floats], count: int, candidates: Indices, rng: np.random.Generator
) -> Indices:
    """Return the `count` architectures with the highest predictions, best first, or all if the space has fewer.

    Parameters
    ----------
    space
        The search space.
    predict
        Predicts the score of each row.
    count
        Number of architectures.
    candidates
        Different architectures to choose from where the space cannot be enumerated. The neighbors of the best are added
        repeatedly, until none enters the best. An enumerable space is searched completely and ignores them.
    rng
        The source of the order of equal predictions.
    """
    if space.enumerable:
        return select_best(np.arange(space.size, dtype=np.int64), predict(space.all_rows()), count, rng)
    index, mean = candidates, predict(space.rows(candidates))
    expanded: Indices = np.empty(0, dtype=np.int64)
    for _ in range(_MAX_EXPANSIONS):
        front = select_best(index, mean, count, rng)
        front = front[~np.isin(front, expanded)][:_EXPANDED_AT_ONCE]
        if len(front) == 0:
            break
        neighbors, _source = space.neighbors(space.rows(front))
        new = np.setdiff1d(space.index(neighbors), index)
        index = np.concatenate([index, new])
        mean = np.concatenate([mean, predict(space.rows(new))])
        expanded = np.concatenate([expanded, front])
    return select_best(index, mean, count, rng)


def select_best(index: Indices, predictions: Floats, count: int, rng: np.random.Generator) -> Indices:
    """Return the `count` places of `index` with the highest predictions, best first; equal ones are in random order."""
    order = rng.permutation(len(index))
    return index[order[np.argsort(-predictions[order], kind="stable")[:count]]]
