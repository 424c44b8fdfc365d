"""Ensembles of regression trees as predictors: extra trees and gradient boosting, as in scikit-learn.

They see the features of the Gaussian process, those of `kernel_components`, and are fitted to normal scores. The
features and all settings are our own choice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lissnas.predictors.gaussian_process import normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.predictors.predictor import Prediction
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.space import Floats, Rows, Space

_CHUNK = 50_000
"""Number of architectures to predict in one batch: bounds the memory."""

_EXTRA_TREES_BIBTEX = """\
@article{geurts2006extremely,
  title   = {Extremely randomized trees},
  author  = {Geurts and Ernst and Wehenkel},
  journal = {Machine Learning},
  volume  = {63},
  pages   = {3--42},
  year    = {2006},
}
"""

_BOOSTING_BIBTEX = """\
@article{friedman2002stochastic,
  title   = {Stochastic gradient boosting},
  author  = {Friedman},
  journal = {Computational Statistics and Data Analysis},
  volume  = {38},
  pages   = {367--378},
  year    = {2002},
}
"""


@dataclass(frozen=True)
class ExtraTrees:
    """Extremely randomized trees: the mean of many trees with random thresholds.

    Choose it for small samples: its smallest leaf is two architectures. Geurts, Ernst and Wehenkel, "Extremely
    randomized trees", Machine Learning 2006.
    """

    bibtex: ClassVar[str] = _EXTRA_TREES_BIBTEX

    trees: int = 200
    """Number of trees."""

    leaf: int = 2
    """Minimum number of architectures in a leaf."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "trees", "leaf")

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        from sklearn.ensemble import ExtraTreesRegressor

        model = ExtraTreesRegressor(
            self.trees, min_samples_leaf=self.leaf, max_features=0.5, random_state=int(rng.integers(2**31))
        )
        return _fitted(model, space, rows, scores)


@dataclass(frozen=True)
class BoostedTrees:
    """Gradient boosting: shallow trees, each fitted to the errors of those before it.

    Choose it for several hundred scores and more. Friedman, "Stochastic gradient boosting", Computational Statistics
    and Data Analysis 2002.
    """

    bibtex: ClassVar[str] = _BOOSTING_BIBTEX

    trees: int = 200
    """Number of trees."""

    depth: int = 3
    """Maximum depth of a tree."""

    leaf: int = 2
    """Minimum number of architectures in a leaf."""

    learning_rate: float = 0.05
    """Factor by which each tree is shrunk."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "trees", "depth", "leaf")

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        from sklearn.ensemble import GradientBoostingRegressor

        model = GradientBoostingRegressor(
            n_estimators=self.trees,
            max_depth=self.depth,
            min_samples_leaf=self.leaf,
            learning_rate=self.learning_rate,
            subsample=0.5,
            max_features=0.5,
            random_state=int(rng.integers(2**31)),
        )
        return _fitted(model, space, rows, scores)


def _fitted(model: Any, space: Space, rows: Rows, scores: Floats) -> Prediction:
    features = _features(space)
    model.fit(features(rows), normal_scores(scores))

    def predict(rows: Rows) -> Floats:
        if not len(rows):
            return np.empty(0)
        starts = range(0, len(rows), _CHUNK)
        return np.concatenate([model.predict(features(rows[start : start + _CHUNK])) for start in starts])

    return predict


def _features(space: Space) -> Callable[[Rows], Floats]:
    """Return the function that computes the features of rows, float32 of shape (n, features)."""
    components = kernel_components(space)
    return lambda rows: np.hstack([component.features(rows).astype(np.float32) for component in components])
