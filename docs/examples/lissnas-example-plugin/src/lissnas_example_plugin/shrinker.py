"""The box around the best of a random sample: a method of shrinking in ten lines."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class EliteBox:
    """Settings of the box around the best."""

    evaluations: int = 300
    """How many random networks are scored."""

    elite: int = 10
    """Around how many of them, the best, the box is drawn."""

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        evaluations(space.sample(self.evaluations, rng))
        left = np.zeros((space.genes, max(space.choices)), dtype=np.bool_)
        for row in evaluations.best(self.elite):
            left[np.arange(space.genes), row] = True
        yield Box(space, left)
