"""ABS: score every operation by networks drawn to hold it, drop the lowest of a round at once; one region remains.

Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020. A network's score there is
the angle between its initial and its trained weights in a supernet; here it is whatever the evaluator gives. From
the paper's code: the sampling by operation, the drop of the lowest, at least one left for each gene. Ours: the scores
of all rounds count, a round drops as many as bring the region to the round's size, and the sizes fall by equal factors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.budget import SingleRegionShrinker, round_sizes, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box, shrink_to
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{hu2020angle,
  title         = {Angle-based Search Space Shrinking for Neural Architecture Search},
  author        = {Hu, Yiming and Liang, Yuding and Guo, Zichao and Wan, Ruosi and Zhang, Xiangyu and Wei,
    Yichen and Gu, Qingyi and Sun, Jian},
  booktitle     = {European Conference on Computer Vision (ECCV)},
  pages         = {119--134},
  year          = {2020},
  eprint        = {2004.13431},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class AngleBasedShrinkage(SingleRegionShrinker):
    """Settings of ABS."""

    bibtex: ClassVar[str] = _BIBTEX

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.whole(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            _score_each_operation(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            values = box.mean_scores(evaluations.rows, evaluations.scores)
            box = shrink_to(box, size, values)
            yield box


def _score_each_operation(box: Box, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
    """Score networks of the box, an equal number drawn for each choice left, until `total` are scored in all."""
    operations = rng.permutation(np.argwhere(box.left))
    start = evaluations.count
    for number, (gene, choice) in enumerate(operations, start=1):
        share = start + (total - start) * number // len(operations)
        score_unseen(box.holding(int(gene), int(choice)), evaluations, share, rng)
