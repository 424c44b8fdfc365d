"""ABS by weight angles: in each round of training the operations whose networks turned least are dropped.

Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020, as the authors' code has it:
how networks are drawn for each operation, how many operations a round drops, when to stop, and that the initial weights
are replaced once. Ours: networks are drawn uniformly, where they draw the number of identities uniformly. The shrinker
`lissnas.shrinkers.angle_based_shrinkage` drops operations by any evaluator instead, towards
a size, without training between.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import Subspace


@dataclass(frozen=True)
class WeightAngleShrinkage:
    """Settings of ABS in a shrinking loop; the defaults are those of its authors' code for the MobileNet space."""

    networks_per_operation: int = 1000
    """How many networks that hold an operation are scored for it; fewer where no more are found."""

    drops_per_round: int = 7
    """How many operations a round drops; each gene keeps one. The authors drop 20 of the 30 of `cell201` in one."""

    count_drops_per_gene: bool = False
    """Whether a round drops so many of each gene, and not in all: the authors drop 1 of each for the FairNAS space."""

    stop_size: int = 1_000_000
    """Shrinking ends when at most so many networks are left, of any cost."""

    reset_initial_weights_after: int = 50
    """After more than so many drops in all, once, the current weights take the place of the initial ones."""

    def __post_init__(self) -> None:
        check_at_least_one(
            self, "networks_per_operation", "drops_per_round", "stop_size", "reset_initial_weights_after"
        )


_TRIES = 100
"""How many networks are drawn at most to find one (as in the authors' code)."""


def drop_lowest(
    space: Space, box: Box, angles: Evaluator, settings: WeightAngleShrinkage, rng: np.random.Generator
) -> tuple[Box, Evaluations]:
    """Drop the operations of the lowest mean score from a box, as many as one round drops.

    The score of an operation is the mean over the first networks drawn that hold it, also such as were drawn for other
    operations. What no network within the limits holds counts as the lowest; the best of each gene stays.

    Parameters
    ----------
    space
        All networks, or a `LimitedSpace`: networks that do not meet its limits are not drawn.
    box
        What is left; of the whole of a limited space.
    angles
        Scores networks.

    Returns
    -------
    The smaller box, and what was scored.
    """
    evaluations = Evaluations(space, angles)
    operations = [(int(gene), int(choice)) for gene, choice in np.argwhere(box.droppable())]
    for gene, choice in operations:
        missing = settings.networks_per_operation - int((evaluations.rows[:, gene] == choice).sum())
        if missing > 0:
            evaluations(_unseen(space, box.restricted_to(gene, choice), evaluations, missing, rng))
    rows, scores = evaluations.rows, evaluations.scores
    means = []
    for gene, choice in operations:
        held = scores[rows[:, gene] == choice][: settings.networks_per_operation]
        means.append(held.mean() if len(held) else -np.inf)
    dropped: list[int] = []
    for place in np.argsort(means, kind="stable"):
        gene, choice = operations[place]
        already = dropped.count(gene) if settings.count_drops_per_gene else len(dropped)
        if already < settings.drops_per_round and box.droppable()[gene, choice]:
            box = box.without(gene, choice)
            dropped.append(gene)
    return box, evaluations


def within_limits(space: Space, box: Box) -> Subspace:
    """Return the networks of a box that meet the limits of a space, if it has any."""
    return LimitedSubspace(space, box) if isinstance(space, LimitedSpace) else box


def _unseen(space: Space, box: Box, evaluations: Evaluations, count: int, rng: np.random.Generator) -> Rows:
    """Draw up to so many networks of a box that meet the limits and were not scored; fewer where more are not found."""
    few = box.size <= _TRIES * count
    drawn = box.sample(box.size if few else _TRIES * count, rng)
    if isinstance(space, LimitedSpace):
        drawn = drawn[np.logical_and.reduce([limit(drawn) for limit in space.limits], axis=0)]
    drawn = drawn[: count + evaluations.count]
    return drawn[~evaluations.are_evaluated(drawn)][:count]
