"""Progressive shrinkage: each stage keeps the best operations of every gene, 5 of 8 and then 3; one region remains.

Chen et al., "Progressive Differentiable Architecture Search" (P-DARTS), ICCV 2019: the stages keep 5, 3 and 1 of the 8
operations of each edge, by the softmax of learned weights. Our own choice: the value of an operation is the mean score
of its architectures; genes with another number of operations keep the same shares, rounded, and at least two; there is
no stage that leaves one operation for each gene.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_spread
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import Subspace

_SHARES = (5 / 8, 3 / 8)
"""Share of the operations of a gene that each stage keeps."""


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
    """Progressive shrinkage (P-DARTS): keeps 5/8, then 3/8 of the operations of every gene; a box remains.

    The shares set the size of the result. Choose it when every gene must keep the same share of its operations. Chen
    et al., ICCV 2019.

    Examples
    --------
    >>> ProgressiveShrinkage(evaluations=600).evaluations
    600
    """

    bibtex: ClassVar[str] = _BIBTEX

    evaluations: int = 1200
    """Number of architectures to score in all, an equal part in each stage (our own choice)."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations")
        check_spread(self.evaluations, len(_SHARES))

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.full(space)
        for stage, share in enumerate(_SHARES, start=1):
            score_unseen(box, evaluations, self.evaluations * stage // len(_SHARES), rng)
            values = np.nan_to_num(box.mean_scores(evaluations.rows, evaluations.scores), nan=-np.inf)
            left = np.zeros_like(box.allowed)
            for gene, count in enumerate(space.choices):
                best = np.argsort(np.where(box.allowed[gene], -values[gene], np.inf), kind="stable")
                left[gene, best[: max(min(2, count), round(share * count))]] = True
            if not Box(space, left & box.allowed).size:
                return
            box = Box(space, left & box.allowed)
            yield box
