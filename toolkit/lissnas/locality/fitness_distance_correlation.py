"""Fitness-distance correlation: how the score falls with the edit distance to the best architecture.

Jones and Forrest, "Fitness distance correlation as a measure of problem difficulty for genetic algorithms", ICGA 1995.
"""

import numpy as np
from numpy.typing import NDArray

from lissnas.spaces.space import Floats, Space
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate


def fitness_distance_correlation(space: Space, scores: Floats) -> Estimate:
    """Return the Pearson correlation of the score and the edit distance to the nearest global optimum.

    It is negative where scores rise towards the optimum. `scores` has shape (size,), NaN where missing.
    """
    measured = np.flatnonzero(~np.isnan(scores))
    optima = np.flatnonzero(scores == np.nanmax(scores))
    return correlation_with_distance(
        scores[measured], space.distances(space.rows(optima), space.rows(measured)).min(axis=0)
    )


def correlation_with_distance(scores: Floats, distance: NDArray[np.uint8]) -> Estimate:
    """Return the Pearson correlation of scores and distances to the best, both of shape (n,)."""
    x, y = (_standardized(values) for values in (scores, distance.astype(np.float64)))
    value = np.mean(x * y)
    influence = (x * y - value * (x**2 + y**2) / 2) / len(x)
    return normal_estimate(np.asarray(value), jackknife_error(influence))


def _standardized(values: Floats) -> Floats:
    standardized: Floats = (values - values.mean()) / values.std()
    return standardized
