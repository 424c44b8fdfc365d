"""Baselines that every method must beat: the best of a random sample, and a random subset."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_enough_to_keep
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace


@dataclass(frozen=True)
class BestOfSample:
    """The best of a random sample: what a user gets without any model or locality.

    Choose it as the baseline for methods that score architectures. All defaults are our own choice.

    Examples
    --------
    >>> BestOfSample(evaluations=600, size=100).size
    100
    """

    evaluations: int = 1200
    """Number of random architectures to score."""

    size: int = 500
    """Number of scored architectures to keep: the best."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size")
        check_enough_to_keep(self.evaluations, self.size)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        score_unseen(FullSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))


@dataclass(frozen=True)
class RandomSubset:
    """A random subset of the space, which scores nothing: what shrinking without information gives.

    Choose it as the baseline for every method.

    Examples
    --------
    >>> RandomSubset(size=100).size
    100
    """

    size: int = 500
    """Number of architectures to keep (our own choice)."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SettingError(f"size must be at least 1, not {self.size}")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        yield ExplicitSubspace(space, space.index(space.sample(self.size, rng)))
