"""What local search visits: score all neighbours, move to the best, start anew at an optimum; the best seen are kept.

White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021: start from the best of
a few random networks, query the whole neighbourhood. Keeping the best visited networks as a shrunk space is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.evaluate import Evaluations
from lissnas.shrink.budget import check_at_least_one, check_enough_to_keep
from lissnas.space import Rows, Space
from lissnas.subspace import ExplicitSubspace, Subspace


@dataclass(frozen=True)
class LocalSearchSettings:
    """Settings of local search; all defaults are our own choice."""

    evaluations: int = 1200
    """How many distinct networks are scored."""

    size: int = 500
    """How many of them, the best, are kept."""

    starts: int = 10
    """Of how many random networks the best one is a search's start."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "starts")
        check_enough_to_keep(self.evaluations, self.size)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        budget = min(self.evaluations, space.size)
        while evaluations.count < budget:
            here, height = _best_of(space.sample(min(self.starts, space.size), rng), evaluations, budget)
            while evaluations.count < budget:
                neighbours, _source = space.neighbours(here[None])
                if not len(neighbours):
                    break
                best, score = _best_of(rng.permutation(neighbours), evaluations, budget)
                if score <= height:
                    break
                here, height = best, score
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))


def _best_of(rows: Rows, evaluations: Evaluations, budget: int) -> tuple[Rows, float]:
    """Score rows as far as the budget goes, and return the best one and its score."""
    affordable = evaluations.asked(rows)
    new = np.flatnonzero(~affordable)
    affordable[new[: budget - evaluations.count]] = True
    rows = rows[affordable]
    scores = np.nan_to_num(evaluations(rows), nan=-np.inf)
    return rows[scores.argmax()], float(scores.max())
