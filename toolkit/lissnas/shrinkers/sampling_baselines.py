"""Baselines that every method must beat: the best of a random sample, and a random subset."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one, check_enough_to_keep, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace


@dataclass(frozen=True)
class BestOfSample:
    """Settings of the best of a random sample; all defaults are our own choice."""

    evaluations: int = 1200
    """How many networks are scored."""

    size: int = 500
    """How many of them, the best, are kept."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size")
        check_enough_to_keep(self.evaluations, self.size)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        score_unseen(WholeSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))


@dataclass(frozen=True)
class RandomSubset:
    """Settings of the random subset."""

    size: int = 500
    """How many networks to keep (our own choice)."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SettingError(f"size must be at least 1, not {self.size}")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        yield ExplicitSubspace(space, space.index(space.sample(self.size, rng)))
