"""What regularised evolution visits: mutate the best of a few, let the oldest die; the best networks seen are kept.

The search is that of `lissnas.search`; keeping the best visited networks as a shrunk space is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations
from lissnas.search.regularised_evolution import RegularisedEvolution
from lissnas.shrink.budget import check_at_least_one, check_enough_to_keep
from lissnas.space import Space
from lissnas.subspace import ExplicitSubspace, Subspace, WholeSpace


@dataclass(frozen=True)
class RegularisedEvolutionSettings:
    """Settings of regularised evolution; all defaults are our own choice."""

    bibtex: ClassVar[str] = RegularisedEvolution.bibtex

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
        evolution = RegularisedEvolution(self.population, self.tournament)
        evolution.visit(WholeSpace(space), evaluations, self.evaluations, rng)
        yield ExplicitSubspace(space, space.index(evaluations.best(self.size)))
