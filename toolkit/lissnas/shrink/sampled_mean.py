"""The mean score of a subspace, estimated from some of its networks, and when it counts as higher than another."""

import math
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations
from lissnas.subspace import Subspace


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


def sampled_mean(subspace: Subspace, count: int, evaluations: Evaluations, rng: np.random.Generator) -> SampledMean:
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
