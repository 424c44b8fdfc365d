"""Estimates from samples of a subspace: its mean score, its size, and the mean distance of its members."""

import math
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.statistics.estimate import Estimate, normal_estimate, wilson_estimate
from lissnas.subspaces.subspace import Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls


@dataclass(frozen=True)
class SampledMean:
    """The estimated mean score of a subspace.

    Attributes
    ----------
    mean
        Mean score of the sample.
    error
        Standard error of the mean; 0 if all of the subspace was scored.
    """

    mean: float
    error: float

    def exceeds(self, other: "SampledMean") -> bool:
        """Return whether the mean is above another by more than one standard error of their difference."""
        return self.mean > other.mean + math.hypot(self.error, other.error)

    def __str__(self) -> str:
        return f"{self.mean:.6g} ± {self.error:.2g}"


def estimate_mean(subspace: Subspace, count: int, evaluations: Evaluations, rng: np.random.Generator) -> SampledMean:
    """Return the estimated mean score of a subspace, from up to `count` members drawn without replacement.

    Raises SettingError if fewer than two of them have a score.
    """
    size = subspace.size_bounds[1]
    scores = evaluations(subspace.sample(min(count, size), rng))
    scores = scores[~np.isnan(scores)]
    if len(scores) < 2:
        raise SettingError(f"the evaluator scored only {len(scores)} of {count} sampled networks: too few for a mean")
    unscored_share = 1 - len(scores) / size
    return SampledMean(float(scores.mean()), math.sqrt(scores.var(ddof=1) / len(scores) * unscored_share))


def estimate_size(union: UnionOfBalls, draws: int, rng: np.random.Generator) -> Estimate:
    """Return an unbiased estimate of the size of a union of balls, with its 95 % interval.

    It is the sum of the sizes of all balls, times the mean over `draws` members of 1 / (number of balls with the
    member): Karp and Luby, 1983. Raises SettingError for fewer than 2 draws.
    """
    if draws < 2:
        raise SettingError(f"a size cannot be estimated from {draws} draws: pass at least 2")
    shares = 1 / union.count_balls(union.draw_with_repeats(draws, rng))
    error = shares.std(ddof=1) / np.sqrt(draws)
    share = wilson_estimate(np.asarray(shares.mean()), np.asarray(error), np.asarray(float(draws)))
    sum_of_sizes = float(len(union.seeds) * union.ball_size)
    return Estimate(sum_of_sizes * share.value, sum_of_sizes * share.low, sum_of_sizes * share.high)


def estimate_mean_distance(union: UnionOfBalls, pairs: int, rng: np.random.Generator) -> Estimate:
    """Return the estimated mean edit distance of two different members, from `pairs` random pairs."""
    rows = union.sample(2 * pairs, rng)
    distance = union.space.distance(rows[:pairs], rows[pairs:])
    error = distance.std(ddof=1) / np.sqrt(pairs) if pairs > 1 else np.nan
    return normal_estimate(np.asarray(distance.mean()), np.asarray(error))
