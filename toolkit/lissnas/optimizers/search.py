"""Search for one good architecture in a subspace: `search(subspace, evaluator, optimizer, rng, evaluations)`.

The class of `optimizer` chooses the method. Each optimizer has its own file; the samplers of Optuna share one.
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
"""Class of each optimizer by its name on the command line; plug-ins add theirs."""


class Optimizer(Protocol):
    """A search method: a frozen dataclass whose fields are the settings, each with a default.

    The class may have an attribute `bibtex`: the BibTeX entry of its paper.
    """

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        """Score architectures of the subspace until `total` are scored in all, or all of the subspace are.

        Architectures that `evaluations` has scored already cost nothing.
        """


@dataclass(frozen=True)
class SearchTrace:
    """The record of one run of an optimizer.

    Attributes
    ----------
    optimizer
        The optimizer with its settings.
    evaluations
        Every architecture that was scored, including those scored before the search.
    """

    optimizer: Optimizer
    evaluations: Evaluations

    @property
    def incumbents(self) -> Indices:
        """The index of the best architecture after each evaluation, shape (count,); -1 before the first score.

        Of equally good architectures the earlier one counts.
        """
        index, scores = self.evaluations.history
        comparable = np.where(np.isnan(scores), -np.inf, scores)
        best = np.maximum.accumulate(comparable)
        is_new = (comparable == best) & (comparable > np.concatenate([[-np.inf], best[:-1]]))
        latest = np.maximum.accumulate(np.where(is_new, np.arange(len(comparable)), -1))
        return np.where(latest >= 0, index[latest], -1)


def search(
    subspace: Subspace,
    evaluator: Evaluator | Evaluations,
    optimizer: Optimizer,
    rng: np.random.Generator,
    evaluations: int,
) -> SearchTrace:
    """Return what an optimizer scores inside a subspace, and its best architecture after each evaluation.

    Parameters
    ----------
    subspace
        Where to search. Pass `FullSpace(space)` for the full space.
    evaluator
        Scores rows; a larger score is better. Or the evaluations of an earlier run, such as `trace.evaluations` of a
        shrinker: the search knows their scores, and they count towards `evaluations`.
    optimizer
        For example ``RegularizedEvolution(population=50)``.
    rng
        The source of every random draw: the same state gives the same result.
    evaluations
        Maximum number of distinct architectures to score in all. A smaller subspace is scored completely.

    Raises
    ------
    SettingError
        If `evaluations` is below 1.

    Examples
    --------
    >>> from lissnas.optimizers.local_search import LocalSearch
    >>> from lissnas.spaces.published.macro import macro
    >>> from lissnas.subspaces.subspace import FullSpace
    >>> trace = search(
    ...     FullSpace(macro()), lambda rows: rows.sum(axis=1), LocalSearch(), np.random.default_rng(0), 200
    ... )
    >>> macro().write(macro().rows(trace.incumbents[-1:]))
    ['22222222']
    """
    if evaluations < 1:
        raise SettingError(f"a search needs at least 1 evaluation, not {evaluations}")
    memory = evaluator if isinstance(evaluator, Evaluations) else Evaluations(subspace.space, evaluator)
    if memory.count < evaluations:
        optimizer.visit(subspace, memory, evaluations, rng)
    return SearchTrace(optimizer, memory)


def optimizer_names() -> tuple[str, ...]:
    """Return the names of all optimizers, the project's own first.

    Examples
    --------
    >>> import lissnas as ln
    >>> ln.optimizer_names()[:2]
    ('random', 'regularized-evolution')
    """
    return OPTIMIZERS.names()


def optimizer_class(name: str) -> type[Optimizer]:
    """Return the class of an optimizer by its name, such as "local-search".

    Raises UnknownNameError, which suggests the nearest name, or PluginError if the optimizer of a plug-in is unusable.
    """
    optimizer: type[Optimizer] = OPTIMIZERS.find(name)
    return optimizer
