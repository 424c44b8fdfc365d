"""Progressive shrinking: in each stage every gene keeps its best operations, 8, then 5, then 3; one region remains.

Chen et al., "Progressive Differentiable Architecture Search" (P-DARTS), ICCV 2019: its stages keep 5, 3 and 1 of the 8
operations of each edge, by the softmax of learned weights. Ours: an operation is judged by the mean score of the
networks that hold it, genes with other than 8 operations keep the same shares, rounded but never fewer than two, and
the stage that would leave one operation for each gene is not done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.budget import check_at_least_one, check_spread, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import Subspace

_SHARES = (5 / 8, 3 / 8)
"""Which share of a gene's operations is left after each stage."""


_BIBTEX = """\
@inproceedings{chen2019progressive,
  title         = {Progressive Differentiable Architecture Search: Bridging the Depth Gap between Search and
    Evaluation},
  author        = {Chen, Xin and Xie, Lingxi and Wu, Jun and Tian, Qi},
  booktitle     = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  pages         = {1294--1303},
  year          = {2019},
  eprint        = {1904.12760},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class ProgressiveShrinkage:
    """Settings of progressive shrinking; the size of the result follows from the shares."""

    bibtex: ClassVar[str] = _BIBTEX

    evaluations: int = 1200
    """How many networks are scored in all, an equal part in each stage (our own choice)."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations")
        check_spread(self.evaluations, len(_SHARES))

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.whole(space)
        for stage, share in enumerate(_SHARES, start=1):
            score_unseen(box, evaluations, self.evaluations * stage // len(_SHARES), rng)
            values = np.nan_to_num(box.mean_scores(evaluations.rows, evaluations.scores), nan=-np.inf)
            left = np.zeros_like(box.left)
            for gene, count in enumerate(space.choices):
                best = np.argsort(np.where(box.left[gene], -values[gene], np.inf), kind="stable")
                left[gene, best[: max(min(2, count), round(share * count))]] = True
            if not Box(space, left & box.left).size:
                return
            box = Box(space, left & box.left)
            yield box
