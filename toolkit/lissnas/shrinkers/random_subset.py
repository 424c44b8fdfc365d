"""A random subset of a given size: what shrinking without looking gives."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace


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
