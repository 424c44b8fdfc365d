"""ABS: score each operation by architectures that contain it, and drop the lowest operations; one region remains.

Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020. In the paper, the score of an
architecture is the angle between its initial and its trained weights in a supernet; here the evaluator gives the score.
From the paper's code: architectures are sampled for each operation, the lowest operations are dropped together, and
each gene keeps at least one. Our own choice: the scores of all rounds count, each round drops as many operations as
bring the region to that round's size, and the sizes fall by equal factors.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.shrinkers.budget import SingleRegionShrinker, round_sizes
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box, shrink_box
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
    """Angle-based shrinkage (ABS) with the scores of any evaluator; a box remains.

    Each round samples equally many architectures for each operation that is left. Choose it over `OperationPruning`
    when rare operations need scores too. For the angles of the paper use
    `lissnas.supernet.shrinking.weight_angle_shrinkage`. Hu et al., ECCV 2020.

    Examples
    --------
    >>> AngleBasedShrinkage(evaluations=600, size=500).max_rounds
    4
    """

    bibtex: ClassVar[str] = _BIBTEX

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.full(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            _score_each_operation(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            values = box.mean_scores(evaluations.rows, evaluations.scores)
            box = shrink_box(box, size, values)
            yield box


def _score_each_operation(box: Box, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
    """Score architectures of the box until `total` are scored in all, equally many drawn for each choice left."""
    operations = rng.permutation(np.argwhere(box.allowed))
    start = evaluations.count
    for number, (gene, choice) in enumerate(operations, start=1):
        share = start + (total - start) * number // len(operations)
        score_unseen(box.restricted_to(int(gene), int(choice)), evaluations, share, rng)
