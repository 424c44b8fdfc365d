"""Predictors that cannot be used, as those of another package may be."""

from dataclasses import dataclass

import numpy as np
from lissnas.predictors.predictor import Prediction
from lissnas.spaces.space import Floats, Rows, Space


@dataclass(frozen=True)
class NeedsMoreScores:
    """Fails below 10,000 scores."""

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        raise ValueError("at least 10,000 scores are needed")


@dataclass(frozen=True)
class PredictsNan:
    """Predicts NaN for all architectures that it was not fitted to."""

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        known = dict(zip(space.index(rows).tolist(), scores, strict=True))
        return lambda asked: np.array([known.get(place, np.nan) for place in space.index(asked).tolist()])
