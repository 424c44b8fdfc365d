"""Shrinking a space: one call for every method, `shrink(space, evaluator, shrinker, rng) -> Trace`.

Which method runs is told by the class of its settings; one file a method.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from lissnas.errors import LissnasError
from lissnas.evaluation.evaluator import Evaluations, Evaluator
from lissnas.evaluation.journal import Journal
from lissnas.spaces.space import Space
from lissnas.storage.register import Register, class_fault
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import Subspace, WholeSpace

SHRINKERS = Register(
    "method",
    "lissnas.shrinkers",
    {
        "kernel": "lissnas.shrinkers.kernel_shrinkage:KernelShrinkage",
        "lissnas": "lissnas.shrinkers.lissnas:Lissnas",
        "operation-pruning": "lissnas.shrinkers.operation_pruning:OperationPruning",
        "random-subset": "lissnas.shrinkers.sampling_baselines:RandomSubset",
        "angle": "lissnas.shrinkers.angle_based_shrinkage:AngleBasedShrinkage",
        "evolving": "lissnas.shrinkers.evolving_search_space:EvolvingSearchSpace",
        "distribution-pruning": "lissnas.shrinkers.distribution_pruning:DistributionPruning",
        "progressive": "lissnas.shrinkers.progressive_shrinkage:ProgressiveShrinkage",
        "design-space": "lissnas.shrinkers.design_space_restriction:DesignSpaceRestriction",
        "best-of-sample": "lissnas.shrinkers.sampling_baselines:BestOfSample",
        "regularized-evolution": "lissnas.shrinkers.visited:VisitedByEvolution",
        "local-search": "lissnas.shrinkers.visited:VisitedByLocalSearch",
        "regression": "lissnas.shrinkers.regression_shrinkage:RegressionShrinkage",
    },
    lambda name, found: class_fault("rounds", found),
)
"""Class of each shrinker by its name; plug-ins add theirs."""


class Shrinker(Protocol):
    """A method's settings, a frozen dataclass with documented defaults, and the method itself.

    A class attribute `bibtex` may hold its paper, as an entry of BibTeX.
    """

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
    shrinker
        The method with its settings.
    rounds
        The spaces, from the whole space (round 0) to the result.
    evaluations
        Everything that was scored, also after the last round, and what had no score.
    """

    shrinker: Shrinker
    rounds: tuple[Round, ...]
    evaluations: Evaluations

    @property
    def subspace(self) -> Subspace:
        """The shrunk space."""
        return self.rounds[-1].subspace

    @property
    def notes(self) -> tuple[object, ...]:
        """What the method had to tell: what it measured, why it stopped. Each reads as a sentence."""
        return tuple(self.evaluations.notes)


def shrink(
    space: Space,
    evaluator: Evaluator,
    shrinker: Shrinker,
    rng: np.random.Generator,
    *,
    journal: Path | None = None,
) -> Trace:
    """Shrink a space with a method.

    Parameters
    ----------
    space
        The space; a `LimitedSpace` to keep to a resource limit.
    evaluator
        Scores architectures; more is better. Each distinct one is asked for once.
    shrinker
        For example ``Lissnas(seeds=30)``.
    rng
        The source of every random draw: the same state gives the same result.
    journal
        A file that every score is written to as soon as it is there. The same call goes on from it where an earlier
        one ended, and ends in the same bits; of another space, shrinker or rng it is refused.

    Raises
    ------
    SettingError
        If a setting of the shrinker cannot be met in this space.
    EvaluatorError
        If the evaluator fails, answers with anything but a number for each row, or has no score or one and the same
        score for all.
    LissnasError
        If the evaluator raises one.
    JournalError
        If the journal is damaged or another run's.

    Every LissnasError has what was scored until then in its attribute `evaluations`.
    """
    kept = None if journal is None else Journal(journal, _identity(space, shrinker, rng))
    evaluations = Evaluations(space, evaluator, kept)
    try:
        shrunk = [Round(subspace, evaluations.count) for subspace in shrinker.rounds(space, evaluations, rng)]
        evaluations.check_that_scores_differ()
    except LissnasError as error:
        error.evaluations = evaluations
        raise
    return Trace(shrinker, (Round(WholeSpace(space), 0), *shrunk), evaluations)


def _identity(space: Space, shrinker: Shrinker, rng: np.random.Generator) -> RunIdentity:
    state = json.dumps(rng.bit_generator.state, default=lambda array: array.tolist())
    return RunIdentity(
        space=space.name,
        method=type(shrinker).__name__,
        settings=asdict(cast(Any, shrinker)),
        seed=hashlib.sha256(state.encode()).hexdigest()[:16],
        data={"choices": space.choices},
    )


def shrinker_names() -> tuple[str, ...]:
    """Return the names of all methods, the project's own first."""
    return SHRINKERS.names()


def shrinker_class(method: str) -> type[Shrinker]:
    """Return the class of a shrinker by its name.

    Raises UnknownNameError with the nearest name, PluginError for a third party's that cannot be used.
    """
    found: type[Shrinker] = SHRINKERS.find(method)
    return found
