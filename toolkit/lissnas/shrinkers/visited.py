"""The best of what an optimizer visits in the full space: the method is the optimizer's, keeping the best is ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one, check_enough_to_keep
from lissnas.evaluation.evaluator import Evaluations
from lissnas.optimizers.local_search import LocalSearch
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
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


@dataclass(frozen=True)
class VisitedByEvolution:
    """Settings of regularized evolution; all defaults are our own choice."""

    bibtex: ClassVar[str] = RegularizedEvolution.bibtex

    evaluations: int = 1200
    """How many distinct networks are scored."""

    size: int = 500
    """How many of them, the best, are kept."""

    population: int = 50
    """How many networks live at a time."""

    tournament: int = 10
    """Of how many, drawn at random, the best is mutated."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "population", "tournament")
        check_enough_to_keep(self.evaluations, self.size)
        if not self.tournament <= self.population <= self.evaluations:
            raise SettingError(
                f"a tournament of {self.tournament}, a population of {self.population} and {self.evaluations} "
                f"evaluations: each must be at least as large as the one before"
            )

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        evolution = RegularizedEvolution(self.population, self.tournament)
        evolution.visit(WholeSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))
