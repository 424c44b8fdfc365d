"""Searching for one good network inside a subspace: `search(subspace, evaluator, optimizer, rng, evaluations)`.

Which optimizer runs is told by the class of its settings; one file an optimizer, Optuna's samplers in one.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.spaces.space import Indices
from lissnas.storage.register import Register, class_fault
from lissnas.subspaces.subspace import Subspace

OPTIMIZERS = Register(
    "optimizer",
    "lissnas.optimizers",
    {
        "random": "lissnas.optimizers.random_search:RandomSearch",
        "regularized-evolution": "lissnas.optimizers.regularized_evolution:RegularizedEvolution",
        "evolutionary-search": "lissnas.optimizers.evolutionary_search:EvolutionarySearch",
        "local-search": "lissnas.optimizers.local_search:LocalSearch",
        "tpe": "lissnas.optimizers.optuna_samplers:Tpe",
        "genetic": "lissnas.optimizers.optuna_samplers:Genetic",
    },
    lambda name, found: class_fault("visit", found),
)
"""Class of each optimizer by its name; plug-ins add theirs."""


class Optimizer(Protocol):
    """An optimizer's settings, a frozen dataclass with documented defaults, and the optimizer itself.

    A class attribute `bibtex` may hold its paper, as an entry of BibTeX.
    """

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        """Score networks of the subspace until `total` are scored in all, or none is left.

        What `evaluations` already knows costs nothing.
        """


@dataclass(frozen=True)
class SearchTrace:
    """A run of an optimizer.

    Attributes
    ----------
    optimizer
        The optimizer with its settings.
    evaluations
        Everything that was scored, what was known before included.
    """

    optimizer: Optimizer
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
    optimizer: Optimizer,
    rng: np.random.Generator,
    evaluations: int,
) -> SearchTrace:
    """Search inside a subspace with an optimizer.

    Parameters
    ----------
    subspace
        Where; `WholeSpace(space)` for all of a space.
    evaluator
        Scores architectures, more being better; or the memory of an earlier run, such as the shrinker's: what that has
        scored is known, and counts among the evaluations.
    optimizer
        For example ``RegularizedEvolution(population=50)``.
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
        optimizer.visit(subspace, memory, evaluations, rng)
    return SearchTrace(optimizer, memory)


def optimizer_names() -> tuple[str, ...]:
    """Return the names of all optimizers, the project's own first."""
    return OPTIMIZERS.names()


def optimizer_class(name: str) -> type[Optimizer]:
    """Return the class of an optimizer by its name.

    Raises UnknownNameError with the nearest name, PluginError for a third party's that cannot be used.
    """
    found: type[Optimizer] = OPTIMIZERS.find(name)
    return found
