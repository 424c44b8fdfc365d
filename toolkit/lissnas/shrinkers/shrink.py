"""Shrink a search space: one call for every method, `shrink(space, evaluator, shrinker, rng) -> Trace`.

The class of `shrinker` chooses the method. Each method has its own file.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from lissnas.errors import LissnasError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.evaluation.journal import Journal
from lissnas.spaces.space import Space
from lissnas.storage.register import Register, class_fault
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import FullSpace, Subspace

SHRINKERS = Register(
    "method",
    "lissnas.shrinkers",
    {
        "kernel": "lissnas.shrinkers.kernel_shrinkage:KernelShrinkage",
        "lissnas": "lissnas.shrinkers.lissnas:Lissnas",
        "lissnas-model": "lissnas.shrinkers.lissnas:LissnasWithModel",
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
"""Class of each shrinker by its name on the command line; plug-ins add theirs."""


class Shrinker(Protocol):
    """A shrinkage method: a frozen dataclass whose fields are the settings, each with a default.

    The class may have an attribute `bibtex`: the BibTeX entry of its paper.
    """

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        """Yield the subspace that the method keeps after each round; the last one is the result.

        A method that yields nothing keeps the full space. It scores architectures by calling `evaluations`, which
        remembers and counts them.
        """


@dataclass(frozen=True)
class Round:
    """The subspace that a method kept, and the number of distinct architectures that it had scored by then."""

    subspace: Subspace
    evaluations: int


@dataclass(frozen=True)
class Trace:
    """The record of one run of a shrinker.

    Attributes
    ----------
    shrinker
        The method with its settings.
    rounds
        The subspaces, from the full space (round 0) to the result.
    evaluations
        Every architecture that the method scored, also after the last round, and those without a score.
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
        """What the method reports: what it measured and why it stopped. The string of each is a sentence."""
        return tuple(self.evaluations.notes)


def shrink(
    space: Space,
    evaluator: Evaluator,
    shrinker: Shrinker,
    rng: np.random.Generator,
    *,
    journal: Path | None = None,
) -> Trace:
    """Return the shrunk space, with every round and every evaluation of the run.

    Parameters
    ----------
    space
        The search space. Pass a `LimitedSpace` to respect a resource constraint.
    evaluator
        Scores rows; a larger score is better. It scores each distinct architecture once.
    shrinker
        The method with its settings, for example ``Lissnas(seeds=30)``.
    rng
        The source of every random draw: the same state gives the same result.
    journal
        The file that every score is written to at once. If an earlier run stopped, the same call resumes from its
        journal and gives bit-identical results.

    Raises
    ------
    SettingError
        If a setting of the shrinker is impossible in this space.
    EvaluatorError
        If the evaluator fails, does not return one number for each row, gives no architecture a score, or gives all
        architectures the same score.
    LissnasError
        If the evaluator raises one.
    JournalError
        If the journal is damaged, or belongs to another space, shrinker or rng.

    The attribute `evaluations` of every LissnasError has the architectures that were scored before the error.

    Examples
    --------
    >>> from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
    >>> from lissnas.spaces.published.macro import macro
    >>> shrinker = KernelShrinkage(evaluations=30, size=100)
    >>> trace = shrink(macro(), lambda rows: rows.sum(axis=1), shrinker, np.random.default_rng(0))
    >>> trace.subspace.size, trace.evaluations.count
    (100, 30)
    """
    opened = None if journal is None else Journal(journal, _identity(space, shrinker, rng))
    evaluations = Evaluations(space, evaluator, opened)
    try:
        rounds = [Round(subspace, evaluations.count) for subspace in _subspaces(shrinker, space, evaluations, rng)]
        evaluations.check_that_scores_differ()
    except LissnasError as error:
        error.evaluations = evaluations
        raise
    return Trace(shrinker, (Round(FullSpace(space), 0), *rounds), evaluations)


def _subspaces(
    shrinker: Shrinker, space: Space, evaluations: Evaluations, rng: np.random.Generator
) -> Iterator[Subspace]:
    """Yield what a shrinker yields; raises SettingError if that is no subspace."""
    name, yielded = type(shrinker).__name__, shrinker.rounds(space, evaluations, rng)
    if not isinstance(yielded, Iterable):
        raise SettingError(f"rounds of {name} returns a {type(yielded).__name__}: yield a Subspace for each round")
    for number, subspace in enumerate(yielded, start=1):
        if not isinstance(subspace, Subspace):
            raise SettingError(
                f"round {number} of {name} yields a {type(subspace).__name__}, not a Subspace: yield for example "
                "ExplicitSubspace(space, index)"
            )
        yield subspace


def _identity(space: Space, shrinker: Shrinker, rng: np.random.Generator) -> RunIdentity:
    """Return what distinguishes this run from every other, for its journal."""
    state = json.dumps(rng.bit_generator.state, default=lambda array: array.tolist())
    return RunIdentity(
        space=space.name,
        method=type(shrinker).__name__,
        settings=asdict(cast(Any, shrinker)),
        seed=hashlib.sha256(state.encode()).hexdigest()[:16],
        data={"choices": space.choices},
    )


def shrinker_names() -> tuple[str, ...]:
    """Return the names of all shrinkers, the project's own first.

    Examples
    --------
    >>> import lissnas as ln
    >>> ln.shrinker_names()[:3]
    ('kernel', 'lissnas', 'lissnas-model')
    """
    return SHRINKERS.names()


def shrinker_class(method: str) -> type[Shrinker]:
    """Return the class of a shrinker by its name, such as "lissnas".

    Raises UnknownNameError, which suggests the nearest name, or PluginError if the shrinker of a plug-in is unusable.
    """
    shrinker: type[Shrinker] = SHRINKERS.find(method)
    return shrinker


def registered_name(shrinker: Shrinker) -> str:
    """Return the name of a shrinker's class on the command line; the name of the class itself if it has none."""
    names = (name for name in SHRINKERS.valid_names() if shrinker_class(name) is type(shrinker))
    return next(names, type(shrinker).__name__)
