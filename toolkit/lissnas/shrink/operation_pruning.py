"""Operation pruning: drop the operation whose networks are worst on average, again and again; one region remains.

The rule that LISSNAS calls operational pruning, as in Xia et al., "PAD-NAS" (2020), whose code is not public. How the
evaluations are spread and when to stop is our own choice.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations
from lissnas.space import Floats, Rows, Space
from lissnas.subspace import ExplicitSubspace, Subspace


@dataclass(frozen=True)
class OperationPruningSettings:
    """Settings of operation pruning; all defaults are our own choice."""

    evaluations: int = 1200
    """How many networks are scored in all, an equal part in each round."""

    size: int = 500
    """How many networks to keep: pruning stops at the region nearest to it."""

    max_rounds: int = 4
    """In how many rounds, each shrinking by the same factor; in each one the remaining region is sampled anew."""

    def __post_init__(self) -> None:
        for name in ("evaluations", "size", "max_rounds"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.evaluations < self.max_rounds:
            raise SettingError(f"{self.evaluations} evaluations cannot be spread over {self.max_rounds} rounds")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        if self.size > space.size:
            raise SettingError(f"cannot keep {self.size:,} of the {space.size:,} networks of {space.name}")
        region = _Region(space.choices, space.all_rows())
        for round_number in range(1, self.max_rounds + 1):
            budget = self.evaluations * round_number // self.max_rounds - evaluations.count
            evaluations(_unseen(region, space, evaluations, budget, rng))
            size = round(space.size * (self.size / space.size) ** (round_number / self.max_rounds))
            region = _pruned(region, evaluations, size)
            yield ExplicitSubspace(space, space.index(region.rows))


class _Region:
    """A box: for each gene the choices that are left, and the space's rows that hold only these."""

    def __init__(self, choices: tuple[int, ...], rows: Rows) -> None:
        self.left = np.arange(max(choices)) < np.array(choices)[:, None]
        self.rows = rows

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.all(self.left[np.arange(rows.shape[1]), rows], axis=1)

    def without(self, gene: int, choice: int) -> "_Region":
        smaller = copy.copy(self)
        smaller.left = self.left.copy()
        smaller.left[gene, choice] = False
        smaller.rows = self.rows[self.rows[:, gene] != choice]
        return smaller


def _unseen(region: _Region, space: Space, evaluations: Evaluations, count: int, rng: np.random.Generator) -> Rows:
    """Draw up to `count` networks of the region that have no score yet."""
    unseen = np.setdiff1d(space.index(region.rows), evaluations.index, assume_unique=True)
    return space.rows(rng.choice(unseen, min(count, len(unseen)), replace=False))


def _pruned(region: _Region, evaluations: Evaluations, size: int) -> _Region:
    """Drop the worst choice until the region's size is as near as it gets to the size asked for, by their ratio."""
    evaluated, scores = evaluations.rows, evaluations.scores
    while len(region.rows) > size:
        means = _mean_scores(region, evaluated, scores)
        if np.isinf(means).all():
            return region
        gene, choice = np.unravel_index(means.argmin(), means.shape)
        smaller = region.without(int(gene), int(choice))
        if len(smaller.rows) == 0 or len(smaller.rows) * len(region.rows) < size**2:
            return region
        region = smaller
    return region


def _mean_scores(region: _Region, evaluated: Rows, scores: Floats) -> Floats:
    """Return the mean score of the region's networks that hold each choice, shape (genes, choices).

    Infinite where the choice must not be dropped: it is gone, is the last one of its gene, or was never seen.
    """
    genes, choices = region.left.shape
    inside = region.contains(evaluated)
    held = (evaluated[inside] + choices * np.arange(genes)).ravel()
    counts = np.bincount(held, minlength=genes * choices).reshape(genes, choices)
    sums = np.bincount(held, np.repeat(scores[inside], genes), genes * choices).reshape(genes, choices)
    droppable = region.left & (region.left.sum(axis=1, keepdims=True) > 1) & (counts > 0)
    return np.where(droppable, sums / np.maximum(counts, 1), np.inf)
