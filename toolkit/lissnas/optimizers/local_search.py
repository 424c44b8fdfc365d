"""Local search: score all neighbors, move to the best, start anew at a local optimum.

White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021: start from the best of
a few random networks, query the whole neighborhood. Neighbors are those inside the subspace.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.optimizers.moves import affordable, neighbors_inside, reachable_total
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.space import Rows
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{white2021exploring,
  title     = {Exploring the Loss Landscape in Neural Architecture Search},
  author    = {White, Colin and Nolen, Sam and Savani, Yash},
  booktitle = {Proceedings of the Thirty-Seventh Conference on Uncertainty in Artificial Intelligence (UAI)},
  series    = {Proceedings of Machine Learning Research},
  volume    = {161},
  pages     = {654--664},
  year      = {2021},
  url       = {https://proceedings.mlr.press/v161/white21a.html},
}
"""


@dataclass(frozen=True)
class LocalSearch:
    """Settings of local search; the default is our own choice."""

    bibtex: ClassVar[str] = _BIBTEX

    starts: int = 10
    """Of how many random networks the best one is a search's start."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "starts")

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        total = reachable_total(subspace, evaluations, total)
        while evaluations.count < total:
            here, height = _best_of(subspace.sample(min(self.starts, subspace.size_bounds[1]), rng), evaluations, total)
            while evaluations.count < total:
                neighbors = neighbors_inside(subspace, here)
                if not len(neighbors):
                    break
                best, score = _best_of(rng.permutation(neighbors), evaluations, total)
                if score <= height:
                    break
                here, height = best, score


def _best_of(rows: Rows, evaluations: Evaluations, total: int) -> tuple[Rows, float]:
    """Score rows as far as the budget goes, and return the best one and its score."""
    rows = affordable(rows, evaluations, total)
    scores = np.nan_to_num(evaluations(rows), nan=-np.inf)
    return rows[scores.argmax()], float(scores.max())
