"""Shrinking a space: one call for every method, `shrink(space, evaluator, settings, rng) -> Trace`.

Which method runs is told by the class of its settings; one file a method.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lissnas.errors import UnknownNameError
from lissnas.evaluate import Evaluations, Evaluator
from lissnas.space import Space
from lissnas.subspace import Subspace, WholeSpace

_METHODS = {
    "kernel": "lissnas.shrink.kernel:KernelSettings",
    "lissnas": "lissnas.shrink.lissnas:LissnasSettings",
    "operation-pruning": "lissnas.shrink.operation_pruning:OperationPruningSettings",
    "random-subset": "lissnas.shrink.random_subset:RandomSubsetSettings",
    "angle": "lissnas.shrink.angle:AngleSettings",
    "evolving": "lissnas.shrink.evolving:EvolvingSettings",
    "distribution-pruning": "lissnas.shrink.distribution_pruning:DistributionPruningSettings",
    "progressive": "lissnas.shrink.progressive:ProgressiveSettings",
    "design-space": "lissnas.shrink.design_space:DesignSpaceSettings",
    "best-of-sample": "lissnas.shrink.best_of_sample:BestOfSampleSettings",
    "regularised-evolution": "lissnas.shrink.regularised_evolution:RegularisedEvolutionSettings",
    "local-search": "lissnas.shrink.local_search:LocalSearchSettings",
    "regression": "lissnas.shrink.regression:RegressionSettings",
}


class Settings(Protocol):
    """A method's settings, a frozen dataclass with documented defaults, and the method itself."""

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        """Shrink the space, yielding each round's subspace as soon as the method holds on to it.

        The last one is the result; a method that yields none keeps the whole space. Architectures are scored by
        calling `evaluations`, which remembers and counts them.
        """


@dataclass(frozen=True)
class Round:
    """A space that a method held on to, and how many distinct architectures it had scored by then."""

    subspace: Subspace
    evaluations: int


@dataclass(frozen=True)
class Trace:
    """A run of a shrinker.

    Attributes
    ----------
    settings
        The method and its settings.
    rounds
        The spaces, from the whole space (round 0) to the result.
    evaluations
        Everything that was scored, also after the last round.
    """

    settings: Settings
    rounds: tuple[Round, ...]
    evaluations: Evaluations

    @property
    def subspace(self) -> Subspace:
        """The shrunk space."""
        return self.rounds[-1].subspace


def shrink(space: Space, evaluator: Evaluator, settings: Settings, rng: np.random.Generator) -> Trace:
    """Shrink a space with the method that the settings belong to.

    Parameters
    ----------
    space
        The space.
    evaluator
        Scores architectures; more is better. Each distinct one is asked for once.
    settings
        For example ``LissnasSettings(seeds=30)``.
    rng
        The source of every random draw: the same state gives the same result.

    Raises
    ------
    SettingError
        If the settings cannot be met in this space.
    """
    evaluations = Evaluations(space, evaluator)
    shrunk = [Round(subspace, evaluations.count) for subspace in settings.rounds(space, evaluations, rng)]
    return Trace(settings, (Round(WholeSpace(space), 0), *shrunk), evaluations)


def method_names() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(_METHODS)


def settings_class(method: str) -> type[Settings]:
    """Return the settings of a method by its name; raises UnknownNameError with the nearest name."""
    if method not in _METHODS:
        raise UnknownNameError("method", method, _METHODS)
    module, _, name = _METHODS[method].partition(":")
    found: type[Settings] = getattr(importlib.import_module(module), name)
    return found
