"""Operation pruning: repeatedly drop the operation whose architectures have the lowest mean; one region remains.

The LISSNAS paper calls this rule operational pruning. It is that of Xia et al., "PAD-NAS" (2020), whose code is not
public. How evaluations are spread over rounds, and when to stop, is our own choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.shrinkers.budget import SingleRegionShrinker, round_sizes
from lissnas.spaces.space import Space
from lissnas.subspaces.box import Box, shrink_box
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{xia2022padnas,
  title     = {Progressive Automatic Design of Search Space for One-Shot Neural Architecture Search},
  author    = {Xia, Xin and Xiao, Xuefeng and Wang, Xing and Zheng, Min},
  booktitle = {Proceedings of the IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)},
  pages     = {2455--2464},
  year      = {2022},
}
"""


@dataclass(frozen=True)
class OperationPruning(SingleRegionShrinker):
    """Operation pruning: drops the operation with the lowest mean score until the size is reached; a box remains.

    Choose it as the standard single-region baseline: the LISSNAS paper compares with it. Xia et al., WACV 2022.

    Examples
    --------
    >>> OperationPruning(evaluations=1200, size=500).max_rounds
    4
    """

    bibtex: ClassVar[str] = _BIBTEX

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.full(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            score_unseen(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            box = shrink_box(box, size, partial(Box.mean_scores, rows=evaluations.rows, scores=evaluations.scores))
            yield box
