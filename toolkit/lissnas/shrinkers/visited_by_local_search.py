"""What local search visits: score all neighbors, move to the best, start anew at an optimum; the best seen are kept.

The search is that of `lissnas.optimizers.search`; keeping the best visited networks as a shrunk space is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.evaluation.budget import check_at_least_one, check_enough_to_keep
from lissnas.evaluation.evaluator import Evaluations
from lissnas.optimizers.local_search import LocalSearch
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace


@dataclass(frozen=True)
class VisitedByLocalSearch:
    """Settings of local search; all defaults are our own choice."""

    bibtex: ClassVar[str] = LocalSearch.bibtex

    evaluations: int = 1200
    """How many distinct networks are scored."""

    size: int = 500
    """How many of them, the best, are kept."""

    starts: int = 10
    """Of how many random networks the best one is a search's start."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "starts")
        check_enough_to_keep(self.evaluations, self.size)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        LocalSearch(self.starts).visit(WholeSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))
