"""The mean score of a subspace, estimated from some of its networks, and when it counts as higher than another."""

import math
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.statistics.estimate import Estimate, proportion, with_error
from lissnas.subspaces.subspace import Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls


@dataclass(frozen=True)
class SampledMean:
    """The mean score of a subspace.

    Attributes
    ----------
    mean
        Over the networks drawn.
    error
        The standard error; 0 where the whole subspace was scored.
    """

    mean: float
    error: float

    def exceeds(self, other: "SampledMean") -> bool:
        """Tell whether the mean is more than one standard error of the difference above another."""
        return self.mean > other.mean + math.hypot(self.error, other.error)

    def __str__(self) -> str:
        return f"{self.mean:.6g} ± {self.error:.2g}"


def estimate_mean(subspace: Subspace, count: int, evaluations: Evaluations, rng: np.random.Generator) -> SampledMean:
    """Estimate a subspace's mean from up to `count` of its networks, drawn without replacement.

    Raises SettingError if fewer than two of them have a score.
    """
    size = subspace.size_bounds[1]
    scores = evaluations(subspace.sample(min(count, size), rng))
    scores = scores[~np.isnan(scores)]
    if len(scores) < 2:
        raise SettingError(f"the evaluator scored only {len(scores)} of {count} sampled networks: too few for a mean")
    unseen_share = 1 - len(scores) / size
    return SampledMean(float(scores.mean()), math.sqrt(scores.var(ddof=1) / len(scores) * unseen_share))


def estimate_size(union: UnionOfBalls, draws: int, rng: np.random.Generator) -> Estimate:
    """Estimate the size without bias, with its 95 % interval.

    The size of all balls together, times the mean over `draws` members of 1 / (number of balls that hold it): Karp
    and Luby 1983. Raises SettingError for fewer than 2 draws.
    """
    if draws < 2:
        raise SettingError(f"a size cannot be estimated from {draws} draws: ask for at least 2")
    shares = 1 / union.count_balls(union.draw_with_repeats(draws, rng))
    error = shares.std(ddof=1) / np.sqrt(draws)
    share = proportion(np.asarray(shares.mean()), np.asarray(error), np.asarray(float(draws)))
    together = float(len(union.seeds) * union.ball_size)
    return Estimate(together * share.value, together * share.low, together * share.high)


def estimate_mean_distance(union: UnionOfBalls, pairs: int, rng: np.random.Generator) -> Estimate:
    """Estimate the mean edit distance of its pairs of different architectures from so many, with its interval."""
    rows = union.sample(2 * pairs, rng)
    distance = union.space.distance(rows[:pairs], rows[pairs:])
    error = distance.std(ddof=1) / np.sqrt(pairs) if pairs > 1 else np.nan
    return with_error(np.asarray(distance.mean()), np.asarray(error))
