"""A regression model ranks the space: gradient boosting on the genes, fitted to a random sample, keeps the best.

What a user would try who has scikit-learn at hand; all of it is our own choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace

_CANDIDATES = 100_000
"""How many networks are ranked where the space is too large to be enumerated."""


@dataclass(frozen=True)
class RegressionShrinkage:
    """Settings of the regression model; all defaults are our own choice."""

    evaluations: int = 1200
    """How many networks, drawn at random, the model is fitted to."""

    size: int = 500
    """How many networks, those of the highest predicted score, are kept."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "size")
        if self.evaluations < 2:
            raise SettingError(f"a model cannot be fitted to {self.evaluations} evaluations: ask for at least 2")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        if self.size > space.size:
            raise SettingError(f"cannot keep {self.size:,} of the {space.size:,} networks of {space.name}")
        score_unseen(WholeSpace(space), evaluations, self.evaluations, rng)
        candidates = space.all_rows() if space.enumerable else space.sample(_CANDIDATES, rng)
        predicted = _predicted(space, evaluations, candidates)
        best = np.argsort(-predicted, kind="stable")[: self.size]
        yield ExplicitSubspace(space, space.index(candidates[best]))


def _predicted(space: Space, evaluations: Evaluations, rows: Rows) -> Floats:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(random_state=0)
    with threadpool_limits(limits=1):  # more threads would add up in another order
        model.fit(_one_hot(space, evaluations.rows), evaluations.scores)
        predicted: Floats = model.predict(_one_hot(space, rows))
    return predicted


def _one_hot(space: Space, rows: Rows) -> Rows:
    columns = [rows[:, [gene]] == np.arange(count) for gene, count in enumerate(space.choices)]
    return np.hstack(columns).astype(np.uint8)
