"""The best architectures that local search or regularized evolution visits in the full space.

The searches are those of `lissnas.optimizers`. Keeping the best visited architectures as a shrunk space is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.optimizers.local_search import LocalSearch
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_enough_to_keep
from lissnas.spaces.space import Space
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace


@dataclass(frozen=True)
class VisitedByLocalSearch:
    """Local search as a shrinker: keeps the best of all architectures that the search scored.

    Choose it to ask whether shrinking adds anything to a search. All defaults are our own choice. White, Nolen and
    Savani, UAI 2021.

    Examples
    --------
    >>> VisitedByLocalSearch(evaluations=600, size=100).starts
    10
    """

    bibtex: ClassVar[str] = LocalSearch.bibtex

    evaluations: int = 1200
    """Number of distinct architectures to score."""

    size: int = 500
    """Number of scored architectures to keep: the best."""

    starts: int = 10
    """Number of random architectures; each ascent starts from the best of them."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "starts")
        check_enough_to_keep(self.evaluations, self.size)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        LocalSearch(self.starts).visit(FullSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))


@dataclass(frozen=True)
class VisitedByEvolution:
    """Regularized evolution as a shrinker: keeps the best of all architectures that the search scored.

    Choose it to ask whether shrinking adds anything to a search. All defaults are our own choice. Real et al.,
    AAAI 2019.

    Examples
    --------
    >>> VisitedByEvolution(evaluations=600, size=100).population
    50
    """

    bibtex: ClassVar[str] = RegularizedEvolution.bibtex

    evaluations: int = 1200
    """Number of distinct architectures to score."""

    size: int = 500
    """Number of scored architectures to keep: the best."""

    population: int = 50
    """Number of architectures in the population."""

    tournament: int = 10
    """Number of random members of the population; the best of them is mutated."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "population", "tournament")
        check_enough_to_keep(self.evaluations, self.size)
        if not self.tournament <= self.population <= self.evaluations:
            raise SettingError(
                f"tournament {self.tournament}, population {self.population}, evaluations {self.evaluations}: each "
                f"must be at least as large as the one before"
            )

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        evolution = RegularizedEvolution(self.population, self.tournament)
        evolution.visit(FullSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))
