"""Regularized evolution: mutate the best of a random tournament, and remove the oldest member.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019: a population, a tournament,
one mutation, and removal of the oldest member. Here a mutation is one edit that stays in the subspace.
"""

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.optimizers.moves import PATIENCE, affordable, neighbors_inside, reachable_total
from lissnas.setting_checks import check_at_least_one
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{real2019regularized,
  title         = {Regularized Evolution for Image Classifier Architecture Search},
  author        = {Real, Esteban and Aggarwal, Alok and Huang, Yanping and Le, Quoc V.},
  booktitle     = {Proceedings of the AAAI Conference on Artificial Intelligence},
  year          = {2019},
  eprint        = {1802.01548},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class RegularizedEvolution:
    """Regularized evolution: mutates the best of a tournament, and removes the oldest member of the population.

    Choose it as the standard evolutionary baseline of the field. All defaults are our own choice. Real et al.,
    AAAI 2019.

    Examples
    --------
    >>> RegularizedEvolution(population=20, tournament=5).population
    20
    """

    bibtex: ClassVar[str] = _BIBTEX

    population: int = 50
    """Number of architectures in the population."""

    tournament: int = 10
    """Number of random members of the population; the best of them is mutated."""

    children: int = 1
    """Number of children that are made and scored together. The paper has 1; a supernet on several processes scores one
    in each process."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "population", "tournament", "children")
        if self.tournament > self.population:
            raise SettingError(
                f"a tournament of {self.tournament} cannot be drawn from a population of {self.population}"
            )

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        first = affordable(subspace.sample(min(self.population, subspace.size_bounds[1]), rng), evaluations, total)
        alive = deque(zip(first, np.nan_to_num(evaluations(first), nan=-np.inf), strict=True), self.population)
        total = reachable_total(subspace, evaluations, total)
        repeats = 0
        while evaluations.count < total:
            children = []
            for _ in range(self.children):
                drawn = rng.choice(len(alive), min(self.tournament, len(alive)), replace=False)
                parent, _score = max((alive[place] for place in drawn), key=lambda member: member[1])
                neighbors = neighbors_inside(subspace, parent)
                child = neighbors[rng.integers(len(neighbors))] if len(neighbors) else parent
                repeats = repeats + 1 if evaluations.are_evaluated(child[None])[0] else 0
                if repeats > PATIENCE:
                    child = subspace.sample(1, rng)[0]
                children.append(child)
            scored = affordable(np.stack(children), evaluations, total)
            alive.extend(zip(scored, np.nan_to_num(evaluations(scored), nan=-np.inf), strict=True))
