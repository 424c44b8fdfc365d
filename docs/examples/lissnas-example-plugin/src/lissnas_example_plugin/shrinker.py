"""A shrinker in ten lines: the smallest box around the best of a random sample."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class EliteBox:
    """Keep the smallest box that contains the best of a random sample."""

    evaluations: int = 300
    """Number of random architectures that are scored."""

    elite: int = 10
    """Number of the best architectures that the box contains."""

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        evaluations(space.sample(self.evaluations, rng))
        allowed = np.zeros((space.genes, max(space.choices)), dtype=np.bool_)
        for row in evaluations.best(self.elite):
            allowed[np.arange(space.genes), row] = True
        yield Box(space, allowed)
