"""DDPNAS: learn how likely each operation is to be good, and drop the least likely again and again; one region remains.

Zheng et al., "DDPNAS: Efficient Neural Architecture Search via Dynamic Distribution Pruning", IJCV 2023. From the
paper: networks are drawn from a categorical distribution for each gene, which is updated by their accuracy, and the
least likely operation is dropped every few steps. The released code holds no search, so the update is ours: the
probability of a choice is multiplied by exp(rate * z), z being how many standard errors the mean rank of the networks
that hold it lies above that of all drawn in this step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.budget import SingleRegionShrinker, round_sizes
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.box import Box, shrink_to
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
    """Settings of DDPNAS; a network that is drawn again is scored once."""

    bibtex: ClassVar[str] = _BIBTEX

    max_rounds: int = 8
    """In how many rounds, each shrinking by the same factor."""

    rate: float = 0.1
    """How fast the distribution follows the scores (our own choice)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rate > 0:
            raise SettingError(f"rate must be above 0, not {self.rate}")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.whole(space)
        likely = np.where(box.left, 1.0, 0.0)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            count = self.evaluations * number // self.max_rounds - self.evaluations * (number - 1) // self.max_rounds
            rows = _drawn(box, likely, count, rng)
            likely = likely * np.exp(self.rate * _surprise(box, rows, evaluations(rows)))
            box = shrink_to(box, size, likely)
            likely = np.where(box.left, likely, 0)
            yield box


def _drawn(box: Box, likely: Floats, count: int, rng: np.random.Generator) -> Rows:
    """Draw networks of the box, each choice by its probability: uniform candidates, kept by the product of theirs."""
    probability = likely / likely.sum(axis=1, keepdims=True)
    candidates = box.sample(min(box.size, 20 * count), rng)
    weight = np.exp(np.log(np.maximum(probability[np.arange(box.space.genes), candidates], 1e-12)).sum(axis=1))
    chosen = rng.choice(len(candidates), min(count, len(candidates)), replace=False, p=weight / weight.sum())
    return candidates[chosen]


def _surprise(box: Box, rows: Rows, scores: Floats) -> Floats:
    """Return for each choice by how many standard errors its networks' mean rank lies above the mean; 0 if unseen."""
    rows, scores = rows[~np.isnan(scores)], scores[~np.isnan(scores)]
    ranks = scores.argsort().argsort() / max(1, len(scores) - 1)
    means = box.mean_scores(rows, ranks)
    held = (rows[:, :, None] == np.arange(box.left.shape[1])).sum(axis=0)
    return np.nan_to_num((means - ranks.mean()) / (ranks.std() / np.sqrt(np.maximum(held, 1))))
