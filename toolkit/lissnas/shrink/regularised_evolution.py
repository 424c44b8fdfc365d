"""What regularised evolution visits: mutate the best of a few, let the oldest die; the best networks seen are kept.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019: a population, a tournament,
one mutation, and the oldest member removed. Keeping the best visited networks as a shrunk space is ours.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations
from lissnas.shrink.budget import check_at_least_one, check_enough_to_keep
from lissnas.space import Space
from lissnas.subspace import ExplicitSubspace, Subspace

_PATIENCE = 10
"""After how many mutations in a row that were all seen before a random network is drawn instead (our own choice)."""


@dataclass(frozen=True)
class RegularisedEvolutionSettings:
    """Settings of regularised evolution; all defaults are our own choice."""

    evaluations: int = 1200
    """How many distinct networks are scored."""

    size: int = 500
    """How many of them, the best, are kept."""

    population: int = 50
    """How many networks live at a time."""

    tournament: int = 10
    """Of how many, drawn at random, the best is mutated."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "population", "tournament")
        check_enough_to_keep(self.evaluations, self.size)
        if not self.tournament <= self.population <= self.evaluations:
            raise SettingError(
                f"a tournament of {self.tournament}, a population of {self.population} and {self.evaluations} "
                f"evaluations: each must be at least as large as the one before"
            )

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        first = space.sample(min(self.population, space.size), rng)
        alive = deque(zip(first, np.nan_to_num(evaluations(first), nan=-np.inf), strict=True), self.population)
        repeats = 0
        while evaluations.count < min(self.evaluations, space.size):
            drawn = rng.choice(len(alive), min(self.tournament, len(alive)), replace=False)
            parent, _score = max((alive[place] for place in drawn), key=lambda member: member[1])
            neighbours, _source = space.neighbours(parent[None])
            child = neighbours[rng.integers(len(neighbours))] if len(neighbours) else parent
            repeats = repeats + 1 if evaluations.asked(child[None])[0] else 0
            if repeats > _PATIENCE:
                child = space.sample(1, rng)[0]
            [score] = np.nan_to_num(evaluations(child[None]), nan=-np.inf)
            alive.append((child, score))
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))
