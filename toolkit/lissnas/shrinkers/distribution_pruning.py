"""DDPNAS: learn a distribution over operations, and drop the least likely operation repeatedly; one region remains.

Zheng et al., "DDPNAS: Efficient Neural Architecture Search via Dynamic Distribution Pruning", IJCV 2023. From the
paper: each gene has a categorical distribution; architectures are drawn from it and update it by their accuracy; every
few steps the least likely operation is dropped. The released code has no search, so the update is our own choice: each
round multiplies the probability of a choice by exp(rate * z). z is the mean rank of the drawn architectures with that
choice minus the mean rank of all architectures drawn in the round, in standard errors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.shrinkers.budget import SingleRegionShrinker, round_sizes
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.box import Box, shrink_box
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@article{zheng2023ddpnas,
  title         = {{DDPNAS}: Efficient Neural Architecture Search via Dynamic Distribution Pruning},
  author        = {Zheng and others},
  journal       = {International Journal of Computer Vision (IJCV)},
  year          = {2023},
  eprint        = {1905.13543},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class DistributionPruning(SingleRegionShrinker):
    """Dynamic distribution pruning (DDPNAS): drops the operations of lowest probability; a box remains.

    An architecture that is drawn twice is scored once. Choose it to spend more evaluations on promising operations as
    the run proceeds. Zheng et al., IJCV 2023.

    Examples
    --------
    >>> DistributionPruning(evaluations=600, rate=0.2).max_rounds
    8
    """

    bibtex: ClassVar[str] = _BIBTEX

    max_rounds: int = 8
    """Number of rounds. Each shrinks the region by the same factor."""

    rate: float = 0.1
    """Step size of the update of the distribution, per standard error (our own choice)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rate > 0:
            raise SettingError(f"rate must be above 0, not {self.rate}")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.full(space)
        weights = np.where(box.allowed, 1.0, 0.0)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            count = self.evaluations * number // self.max_rounds - self.evaluations * (number - 1) // self.max_rounds
            rows = _draw(box, weights, count, rng)
            weights = weights * np.exp(self.rate * _standardized_ranks(box, rows, evaluations(rows)))
            box = shrink_box(box, size, weights)
            weights = np.where(box.allowed, weights, 0)
            yield box


def _draw(box: Box, weights: Floats, count: int, rng: np.random.Generator) -> Rows:
    """Draw architectures of the box by the probabilities of their choices, from a pool of uniform candidates."""
    probability = weights / weights.sum(axis=1, keepdims=True)
    candidates = box.sample(min(box.size, 20 * count), rng)
    likelihood = np.exp(np.log(np.maximum(probability[np.arange(box.space.genes), candidates], 1e-12)).sum(axis=1))
    chosen = rng.choice(len(candidates), min(count, len(candidates)), replace=False, p=likelihood / likelihood.sum())
    return candidates[chosen]


def _standardized_ranks(box: Box, rows: Rows, scores: Floats) -> Floats:
    """Return for each choice the mean rank of its rows minus that of all, in standard errors; 0 if not drawn."""
    rows, scores = rows[~np.isnan(scores)], scores[~np.isnan(scores)]
    ranks = scores.argsort().argsort() / max(1, len(scores) - 1)
    means = box.mean_scores(rows, ranks)
    counts = (rows[:, :, None] == np.arange(box.allowed.shape[1])).sum(axis=0)
    return np.nan_to_num((means - ranks.mean()) / (ranks.std() / np.sqrt(np.maximum(counts, 1))))
