"""Random search: architectures of the subspace drawn uniformly, without repetition."""

from dataclasses import dataclass

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class RandomSearch:
    """Random search: scores uniform draws. It has no settings.

    Choose it as the baseline for every optimizer, and to measure a subspace by what a random draw finds in it.

    Examples
    --------
    >>> RandomSearch()
    RandomSearch()
    """

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        score_unseen(subspace, evaluations, total, rng)
