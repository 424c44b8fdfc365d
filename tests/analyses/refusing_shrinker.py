"""A shrinker that refuses some runs, as one whose model cannot be fitted to the scores does."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace


@dataclass(frozen=True)
class RefusingShrinker:
    """Keeps the first half of the space, unless the first random architecture is not in it."""

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        first_half = np.arange(space.size // 2)
        if space.index(space.sample(1, rng))[0] not in first_half:
            raise SettingError("this shrinker refuses the second half")
        yield ExplicitSubspace(space, first_half)
