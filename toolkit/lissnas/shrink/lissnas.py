"""LISSNAS: sample, take the best as seeds, keep their neighbours, until the mean stops rising.

Gopal, Sridhar, Zhang and Chen, "LISSNAS: Locality-based Iterative Search Space Shrinkage for Neural Architecture
Search", IJCAI 2023. The authors published no code and we know the method from the paper's outline: seeds from the best
samples, good neighbours by locality, repeat until the average accuracy stops rising. Every number and rule below that
the outline leaves open is our own choice.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations
from lissnas.space import Rows, Space
from lissnas.subspace import ExplicitSubspace, Subspace, WholeSpace


@dataclass(frozen=True)
class LissnasSettings:
    """Settings of LISSNAS; all defaults are our own choice."""

    confidence: float = 0.95
    """How surely each round's sample holds a network of the best `quantile`; with it sets the sample size."""

    quantile: float = 0.01
    """The share of networks that count as best for the sample size: 0.95 and 0.01 ask for 299 networks."""

    seeds: int = 30
    """How many of the best networks seen so far are kept with their neighbours."""

    radius: int = 1
    """Up to how many edits away from a seed its neighbours lie."""

    max_rounds: int = 10
    """After how many rounds to stop if the mean still rises."""

    def __post_init__(self) -> None:
        for name in ("confidence", "quantile"):
            if not 0 < getattr(self, name) < 1:
                raise SettingError(f"{name} must lie between 0 and 1, not be {getattr(self, name)}")
        for name in ("seeds", "radius", "max_rounds"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.seeds > self.sample_size:
            raise SettingError(f"{self.seeds} seeds cannot be taken from a sample of {self.sample_size}: ask for fewer")

    @property
    def sample_size(self) -> int:
        """The fewest draws that hold one of the best `quantile` with `confidence`: ln(1 - c) / ln(1 - q), upwards."""
        return math.ceil(math.log1p(-self.confidence) / math.log1p(-self.quantile))

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        if self.sample_size > space.size:
            raise SettingError(
                f"a sample of {self.sample_size:,} is larger than the {space.size:,} networks of {space.name}: "
                f"lower the confidence or raise the quantile"
            )
        if self.radius > space.genes:
            raise SettingError(
                f"a radius of {self.radius} edits is longer than the {space.genes} genes of {space.name}"
            )
        before = _sampled_mean(WholeSpace(space), self.sample_size, evaluations, rng)
        for _ in range(self.max_rounds):
            subspace = _balls(space, evaluations.best(self.seeds), self.radius)
            after = _sampled_mean(subspace, self.sample_size, evaluations, rng)
            if after.mean <= before.mean + math.hypot(before.error, after.error):
                return
            yield subspace
            before = after


def _balls(space: Space, seeds: Rows, radius: int) -> ExplicitSubspace:
    """Return every network at most `radius` edits away from a seed."""
    index = space.index(seeds)
    for _ in range(radius):
        neighbours, _source = space.neighbours(space.rows(index))
        index = np.union1d(index, space.index(neighbours))
    return ExplicitSubspace(space, index)


@dataclass(frozen=True)
class _SampledMean:
    mean: float
    error: float
    """The standard error; 0 where the whole subspace was scored."""


def _sampled_mean(subspace: Subspace, count: int, evaluations: Evaluations, rng: np.random.Generator) -> _SampledMean:
    """Estimate a subspace's mean from up to `count` of its networks, drawn without replacement."""
    scores = evaluations(subspace.sample(min(count, subspace.size), rng))
    scores = scores[~np.isnan(scores)]
    if len(scores) < 2:
        raise SettingError(f"the evaluator scored only {len(scores)} of {count} sampled networks: too few for a mean")
    unseen_share = 1 - len(scores) / subspace.size
    return _SampledMean(float(scores.mean()), math.sqrt(scores.var(ddof=1) / len(scores) * unseen_share))
