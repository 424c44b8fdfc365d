"""Random walks: random single edits, walks of them, and how scores autocorrelate along a walk."""

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.locality.landscape import Landscape
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.statistics.estimate import Estimate, jackknife_error, normal_estimate

_ROWS_AT_ONCE = 1 << 12
"""Number of architectures whose neighbors are listed in one batch: bounds the memory to tens of megabytes."""


def random_neighbors(space: Space, rows: Rows, rng: np.random.Generator) -> Rows:
    """Return a uniformly random neighbor of each row, shape (n, genes); a row without neighbors stays unchanged."""
    chosen = rows.copy()
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[first : first + _ROWS_AT_ONCE]
        neighbors, source = space.neighbors(block)
        degrees = np.bincount(source, minlength=len(block))
        starts = np.cumsum(degrees) - degrees
        linked = np.flatnonzero(degrees)
        chosen[first + linked] = neighbors[starts[linked] + rng.integers(degrees[linked])]
    return chosen


def random_walks(space: Space, starts: Rows, steps: int, rng: np.random.Generator) -> Rows:
    """Return a walk of single random edits from each start, shape (steps + 1, n, genes)."""
    walks = [starts]
    for _ in range(steps):
        walks.append(random_neighbors(space, walks[-1], rng))
    return np.stack(walks)


def walk_autocorrelation(landscape: Landscape, lags: int = 10) -> Estimate:
    """Return the autocorrelation rho(k) of the scores along a uniform random walk, for the lags 0 to `lags`.

    It is the limit for one infinitely long walk, computed from the transition probabilities. Short walks that are
    centered on their own means give lower values. Weinberger, Biological Cybernetics 63, 1990.
    """
    if not len(landscape.source):  # no neighbors, as in a small sample of a huge space
        return normal_estimate(np.full(lags + 1, np.nan), np.full(lags + 1, np.nan))
    degrees = np.bincount(landscape.source, minlength=landscape.size)
    weight = degrees / degrees.sum()
    scores = np.where(degrees > 0, landscape.scores, 0)
    centered = np.where(degrees > 0, scores - weight @ scores, 0)
    variance = weight @ centered**2

    def step(values: Floats) -> Floats:
        return np.bincount(landscape.source, values[landscape.target], landscape.size) / np.maximum(degrees, 1)

    ahead, squares_ahead = centered, centered**2
    values, errors = [], []
    for _ in range(lags + 1):
        value = weight @ (centered * ahead) / variance
        influence = weight * (2 * centered * ahead - value * (centered**2 + squares_ahead)) / variance
        values.append(value)
        errors.append(jackknife_error(influence))
        ahead, squares_ahead = step(ahead), step(squares_ahead)
    return normal_estimate(np.array(values), np.array(errors))


def random_walk_autocorrelation(
    space: Space, evaluator: Evaluator, walks: int, steps: int, rng: np.random.Generator, lags: int = 10
) -> Estimate:
    """Return the estimated autocorrelation of scores along random walks, for the lags 0 to `lags`.

    All walks are centered on their common mean. So where all architectures have equally many neighbors, this estimates
    the limit of one long walk; see `walk_autocorrelation`. The interval is over walks. Raises SettingError if `steps`
    is below `lags`.
    """
    if steps < lags:
        raise SettingError(f"the lags must be at most the {steps} steps of a walk, not {lags}")
    rows = random_walks(space, space.sample(walks, rng), steps, rng)
    scores = np.asarray(evaluator(rows.reshape(-1, space.genes)), dtype=np.float64).reshape(steps + 1, walks)
    centered = scores - scores.mean()
    variance = (centered**2).mean(axis=0)
    products = np.stack([(centered[: steps + 1 - lag] * centered[lag:]).mean(axis=0) for lag in range(lags + 1)])
    value = products.mean(axis=1) / variance.mean()
    influence = (products - value[:, None] * variance) / (walks * variance.mean())
    return normal_estimate(value, jackknife_error(influence))
