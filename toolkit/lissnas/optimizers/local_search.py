"""Local search: score all neighbors, move to the best, and restart at a local optimum.

White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021: start from the best of
a few random architectures, and score the complete neighborhood. Here only neighbors in the subspace count.
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
    """Local search: steepest ascent from the best of `starts` random architectures, repeated from new starts.

    Choose it where locality is high. White, Nolen and Savani, UAI 2021.

    Examples
    --------
    >>> LocalSearch(starts=20).starts
    20
    """

    bibtex: ClassVar[str] = _BIBTEX

    starts: int = 10
    """Number of random architectures; each ascent starts from the best of them (our own choice)."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "starts")

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        total = reachable_total(subspace, evaluations, total)
        while evaluations.count < total:
            row, score = _best_of(subspace.sample(min(self.starts, subspace.size_bounds[1]), rng), evaluations, total)
            while evaluations.count < total:
                neighbors = neighbors_inside(subspace, row)
                if not len(neighbors):
                    break
                best, best_score = _best_of(rng.permutation(neighbors), evaluations, total)
                if best_score <= score:
                    break
                row, score = best, best_score


def _best_of(rows: Rows, evaluations: Evaluations, total: int) -> tuple[Rows, float]:
    """Score as many rows as the budget allows, and return the best row and its score."""
    rows = affordable(rows, evaluations, total)
    scores = np.nan_to_num(evaluations(rows), nan=-np.inf)
    return rows[scores.argmax()], float(scores.max())
