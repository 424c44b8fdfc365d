"""Regression shrinkage: fit gradient boosting to a random sample, and keep the architectures it predicts to be best.

This is what a user with scikit-learn would try first. All of it is our own choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_size
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace

_CANDIDATES = 100_000
"""Number of random architectures to rank where the space cannot be enumerated: prediction takes seconds."""


@dataclass(frozen=True)
class RegressionShrinkage:
    """Gradient boosting on one-hot genes: keeps the architectures with the highest predicted scores.

    Choose it as a baseline: a predictor without a notion of locality. All defaults are our own choice.

    Examples
    --------
    >>> RegressionShrinkage(evaluations=600, size=500).size
    500
    """

    evaluations: int = 1200
    """Number of random architectures to score and to fit the model to."""

    size: int = 500
    """Number of architectures to keep: those with the highest predicted scores."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "size")
        if self.evaluations < 2:
            raise SettingError(f"a model cannot be fitted to {self.evaluations} evaluations: use at least 2")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        check_size(self.size, space)
        score_unseen(WholeSpace(space), evaluations, self.evaluations, rng)
        candidates = space.all_rows() if space.enumerable else space.sample(_CANDIDATES, rng)
        predicted = _predict(space, evaluations, candidates)
        best = np.argsort(-predicted, kind="stable")[: self.size]
        yield ExplicitSubspace(space, space.index(candidates[best]))


def _predict(space: Space, evaluations: Evaluations, rows: Rows) -> Floats:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(random_state=0)
    with threadpool_limits(limits=1):  # several threads sum in another order, which changes the last bits
        model.fit(_one_hot(space, evaluations.rows), evaluations.scores)
        predicted: Floats = model.predict(_one_hot(space, rows))
    return predicted


def _one_hot(space: Space, rows: Rows) -> Rows:
    columns = [rows[:, [gene]] == np.arange(count) for gene, count in enumerate(space.choices)]
    return np.hstack(columns).astype(np.uint8)
