"""Design-space restriction: keep what the best networks of many resampled designs have in common; one region remains.

Radosavovic et al., "Designing Network Design Spaces" (RegNet), CVPR 2020. From the paper's code: an empirical bootstrap
(a quarter of the networks at a time, 2,500 times) tells which values the best network is likely to have. Ours: the
choice that holds the best network least often is dropped, one at a time, in place of a person who reads the plots.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.budget import SingleRegionShrinker, round_sizes, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Floats, Space
from lissnas.subspaces.box import Box, shrink_to
from lissnas.subspaces.subspace import Subspace

_SHARE = 0.25
"""Which share of the networks a resample holds, as in the paper's code."""


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
    """Settings of design-space restriction."""

    bibtex: ClassVar[str] = _BIBTEX

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.whole(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            score_unseen(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            values = _share_of_bests(box, evaluations)
            box = shrink_to(box, size, values)
            yield box


def _share_of_bests(box: Box, evaluations: Evaluations) -> Floats:
    """Return for each choice how often the best network of a resample holds it, shape of `box.left`.

    The best of a random quarter of n networks is the one of rank r with probability share * (1 - share)^r, to within
    1 / n: the expectation of the bootstrap, without its noise. A choice that no network of the box holds is NaN.
    """
    rows, scores = evaluations.rows, evaluations.scores
    inside = box.holds(rows)
    order = np.argsort(-scores[inside], kind="stable")
    weight = np.empty(len(order))
    weight[order] = _SHARE * (1 - _SHARE) ** np.arange(len(order))
    genes, choices = box.left.shape
    held = (rows[inside] + choices * np.arange(genes)).ravel()
    shares = np.bincount(held, np.repeat(weight, genes), genes * choices).reshape(genes, choices)
    seen = np.bincount(held, minlength=genes * choices).reshape(genes, choices) > 0
    return np.where(seen, shares, np.nan)
