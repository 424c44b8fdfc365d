"""Random search: networks of the subspace drawn uniformly, none twice."""

from dataclasses import dataclass

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class RandomSearch:
    """Random search has no settings."""

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        score_unseen(subspace, evaluations, total, rng)
