"""Searching for one good network inside a subspace: `search(subspace, evaluator, settings, rng, evaluations)`.

Which optimiser runs is told by the class of its settings; one file an optimiser, Optuna's samplers in one.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluate import Evaluations, Evaluator
from lissnas.register import Register, settings_fault
from lissnas.space import Indices
from lissnas.subspace import Subspace

OPTIMISERS = Register(
    "optimiser",
    "lissnas.optimisers",
    {
        "random": "lissnas.search.random_search:RandomSearch",
        "regularised-evolution": "lissnas.search.regularised_evolution:RegularisedEvolution",
        "evolutionary-search": "lissnas.search.evolutionary_search:EvolutionarySearch",
        "local-search": "lissnas.search.local_search:LocalSearch",
        "tpe": "lissnas.search.optuna_samplers:Tpe",
        "genetic": "lissnas.search.optuna_samplers:Genetic",
    },
    lambda name, found: settings_fault("visit", found),
)
"""The settings of each optimiser by its name, third parties' too."""


class Settings(Protocol):
    """An optimiser's settings, a frozen dataclass with documented defaults, and the optimiser itself.

    A class attribute `bibtex` may hold its paper, as an entry of BibTeX.
    """

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        """Score networks of the subspace until `total` are scored in all, or none is left.

        What `evaluations` already knows costs nothing.
        """


@dataclass(frozen=True)
class SearchTrace:
    """A run of an optimiser.

    Attributes
    ----------
    settings
        The optimiser and its settings.
    evaluations
        Everything that was scored, what was known before included.
    """

    settings: Settings
    evaluations: Evaluations

    @property
    def incumbents(self) -> Indices:
        """The place in the space of the best network after each evaluation, shape (count,); -1 before the first score.

        Of equal ones the earlier.
        """
        asked, scores = self.evaluations.history
        known = np.where(np.isnan(scores), -np.inf, scores)
        best = np.maximum.accumulate(known)
        is_new = (known == best) & (known > np.concatenate([[-np.inf], best[:-1]]))
        latest = np.maximum.accumulate(np.where(is_new, np.arange(len(known)), -1))
        return np.where(latest >= 0, asked[latest], -1)


def search(
    subspace: Subspace,
    evaluator: Evaluator | Evaluations,
    settings: Settings,
    rng: np.random.Generator,
    evaluations: int,
) -> SearchTrace:
    """Search inside a subspace with the optimiser that the settings belong to.

    Parameters
    ----------
    subspace
        Where; `WholeSpace(space)` for all of a space.
    evaluator
        Scores architectures, more being better; or the memory of an earlier run, such as the shrinker's: what that has
        scored is known, and counts among the evaluations.
    settings
        For example ``RegularisedEvolution(population=50)``.
    rng
        The source of every random draw: the same state gives the same result.
    evaluations
        How many distinct networks may be scored in all; fewer are if the subspace has no more.

    Raises
    ------
    SettingError
        If no evaluation is allowed.
    """
    if evaluations < 1:
        raise SettingError(f"a search needs at least 1 evaluation, not {evaluations}")
    memory = evaluator if isinstance(evaluator, Evaluations) else Evaluations(subspace.space, evaluator)
    if memory.count < evaluations:
        settings.visit(subspace, memory, evaluations, rng)
    return SearchTrace(settings, memory)


def optimiser_names() -> tuple[str, ...]:
    """Return the names of all optimisers, the project's own first."""
    return OPTIMISERS.names()


def optimiser(name: str) -> type[Settings]:
    """Return the settings of an optimiser by its name.

    Raises UnknownNameError with the nearest name, PluginError for a third party's that cannot be used.
    """
    found: type[Settings] = OPTIMISERS.find(name)
    return found
