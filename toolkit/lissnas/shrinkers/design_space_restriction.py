"""Design-space restriction: keep the choices that the best architecture of a resample often has; one region remains.

Radosavovic et al., "Designing Network Design Spaces" (RegNet), CVPR 2020. From the paper's code: an empirical bootstrap
(2,500 resamples of a quarter of the architectures) shows which values the best architecture is likely to have. In the
paper a person reads the plots. Our own choice: the method drops, one at a time, the choice that the best architecture
has least often.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.shrinkers.budget import SingleRegionShrinker, round_sizes
from lissnas.spaces.space import Floats, Space
from lissnas.subspaces.box import Box, shrink_box
from lissnas.subspaces.subspace import Subspace

_SHARE = 0.25
"""Share of the scored architectures in one resample, as in the paper's code."""


_BIBTEX = """\
@inproceedings{radosavovic2020designing,
  title         = {Designing Network Design Spaces},
  author        = {Radosavovic, Ilija and Kosaraju, Raj Prateek and Girshick, Ross and He, Kaiming and
    Doll{\\\'a}r, Piotr},
  booktitle     = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year          = {2020},
  doi           = {10.1109/CVPR42600.2020.01044},
  eprint        = {2003.13678},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class DesignSpaceRestriction(SingleRegionShrinker):
    """Design-space restriction (RegNet): keeps the choices of the best architectures of many resamples; a box remains.

    Choose it over `OperationPruning` when the best architectures matter more than the mean. Radosavovic et al.,
    CVPR 2020.

    Examples
    --------
    >>> DesignSpaceRestriction(evaluations=600, size=500).max_rounds
    4
    """

    bibtex: ClassVar[str] = _BIBTEX

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.full(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            score_unseen(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            values = _share_of_bests(box, evaluations)
            box = shrink_box(box, size, values)
            yield box


def _share_of_bests(box: Box, evaluations: Evaluations) -> Floats:
    """Return for each choice how often the best architecture of a resample has it, shape of `box.allowed`.

    The best of a random quarter of n architectures is the one of rank r with probability share * (1 - share)^r, to
    within 1 / n. This is the expectation of the bootstrap, without its noise. NaN for a choice that no scored
    architecture of the box has.
    """
    rows, scores = evaluations.rows, evaluations.scores
    in_box = box.contains_rows(rows)
    order = np.argsort(-scores[in_box], kind="stable")
    weight = np.empty(len(order))
    weight[order] = _SHARE * (1 - _SHARE) ** np.arange(len(order))
    genes, choices = box.allowed.shape
    cells = (rows[in_box] + choices * np.arange(genes)).ravel()
    shares = np.bincount(cells, np.repeat(weight, genes), genes * choices).reshape(genes, choices)
    occurs = np.bincount(cells, minlength=genes * choices).reshape(genes, choices) > 0
    return np.where(occurs, shares, np.nan)
