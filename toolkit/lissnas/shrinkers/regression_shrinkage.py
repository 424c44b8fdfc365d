"""Regression shrinkage: fit a predictor to a random sample, and keep the architectures it predicts to be best.

This is what a user with scikit-learn would try first. All of it is our own choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.predictors.predictor import predictor_class
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_size
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace

_CANDIDATES = 100_000
"""Number of random architectures to rank where the space cannot be enumerated: prediction takes seconds."""


@dataclass(frozen=True)
class RegressionShrinkage:
    """A predictor fitted to a random sample: keeps the architectures with the highest predicted scores.

    Choose it as a baseline: it spends all evaluations at random and has no notion of locality. All defaults are our own
    choice.

    Examples
    --------
    >>> RegressionShrinkage(evaluations=600, size=500).model
    'boosted-trees'
    """

    evaluations: int = 1200
    """Number of random architectures to score and to fit the model to."""

    size: int = 500
    """Number of architectures to keep: those with the highest predicted scores."""

    model: str = "boosted-trees"
    """Name of the predictor, with its defaults: "boosted-trees", "extra-trees", "gp", or that of another package."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "size")
        if self.evaluations < 3:
            raise SettingError(f"a model cannot be fitted to {self.evaluations} evaluations: use at least 3")
        predictor_class(self.model)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        check_size(self.size, space)
        score_unseen(FullSpace(space), evaluations, self.evaluations, rng)
        candidates = space.all_rows() if space.enumerable else space.sample(_CANDIDATES, rng)
        predict = predictor_class(self.model)().fit(space, evaluations.rows, evaluations.scores, rng)
        ties_at_random = rng.random(len(candidates))
        best = np.lexsort((ties_at_random, -predict(candidates)))[: self.size]
        yield ExplicitSubspace(space, space.index(candidates[best]))
