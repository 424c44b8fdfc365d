"""ABS by weight angles: each round drops the operations whose networks have turned the least in training.

Hu et al., "Angle-based Search Space Shrinking for Neural Architecture Search", ECCV 2020. We follow the authors' code:
how it samples networks for each operation, how many operations a round drops, when it stops, and that it replaces the
initial weights once. Our own choice: networks are sampled uniformly, where the authors sample the number of identities
uniformly. The shrinker `AngleBasedShrinkage` instead drops operations by the scores of any evaluator, to a given size,
without training in between.
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
    """ABS inside the shrinking loop; the defaults are those of its authors' code for the MobileNet space."""

    networks_per_operation: int = 1000
    """Number of networks with an operation that are scored for it; fewer if fewer are found."""

    drops_per_round: int = 7
    """Number of operations dropped in a round; each gene keeps at least one. The authors drop 20 of the 30 operations
    of `cell201` in a single round."""

    count_drops_per_gene: bool = False
    """Whether `drops_per_round` counts for each gene separately instead of for all genes together. The authors drop one
    operation of each gene in the FairNAS space."""

    stop_size: int = 1_000_000
    """Shrinking ends when at most this many networks remain, counted without limits on their cost."""

    reset_initial_weights_after: int = 50
    """Once more operations than this have been dropped in total, the current weights replace the initial weights; this
    happens at most once."""

    def __post_init__(self) -> None:
        check_at_least_one(
            self, "networks_per_operation", "drops_per_round", "stop_size", "reset_initial_weights_after"
        )


_DRAWS_PER_NETWORK = 100
"""Maximum number of draws for each network to find, as in the authors' code."""


def drop_lowest(
    space: Space, box: Box, angles: Evaluator, shrinkage: WeightAngleShrinkage, rng: np.random.Generator
) -> tuple[Box, Evaluations]:
    """Return the box without the operations that have the lowest mean scores, and the evaluations spent.

    The score of an operation is the mean over the first `networks_per_operation` networks that have it, including
    networks drawn for other operations. An operation that no network within the limits has gets the lowest score. The
    best operation of each gene stays.

    Parameters
    ----------
    space
        The space before the first round. If it is a `LimitedSpace`, networks that violate its limits are not scored.
    box
        The operations that remain, in the space without limits.
    angles
        Scores networks, for example by `WeightAngleEvaluator`.
    shrinkage
        How many networks are scored and how many operations are dropped.
    rng
        The source of every random draw.
    """
    evaluations = Evaluations(space, angles)
    operations = [(int(gene), int(choice)) for gene, choice in np.argwhere(box.droppable())]
    for gene, choice in operations:
        missing = shrinkage.networks_per_operation - int((evaluations.rows[:, gene] == choice).sum())
        if missing > 0:
            evaluations(_unscored(space, box.restricted_to(gene, choice), evaluations, missing, rng))
    rows, scores = evaluations.rows, evaluations.scores
    means = []
    for gene, choice in operations:
        scores_with_operation = scores[rows[:, gene] == choice][: shrinkage.networks_per_operation]
        means.append(scores_with_operation.mean() if len(scores_with_operation) else -np.inf)
    dropped_genes: list[int] = []
    for place in np.argsort(means, kind="stable"):
        gene, choice = operations[place]
        drops = dropped_genes.count(gene) if shrinkage.count_drops_per_gene else len(dropped_genes)
        if drops < shrinkage.drops_per_round and box.droppable()[gene, choice]:
            box = box.without(gene, choice)
            dropped_genes.append(gene)
    return box, evaluations


def within_limits(space: Space, box: Box) -> Subspace:
    """Return the networks of a box that meet the limits of a space; the box itself if the space has no limits."""
    return LimitedSubspace(space, box) if isinstance(space, LimitedSpace) else box


def _unscored(space: Space, box: Box, evaluations: Evaluations, count: int, rng: np.random.Generator) -> Rows:
    """Draw up to `count` networks of a box that meet the limits and have no score yet; fewer if fewer are found."""
    draws = min(box.size, _DRAWS_PER_NETWORK * count)
    drawn = box.sample(draws, rng)
    if isinstance(space, LimitedSpace):
        drawn = drawn[np.logical_and.reduce([limit(drawn) for limit in space.limits], axis=0)]
    drawn = drawn[: count + evaluations.count]
    return drawn[~evaluations.are_evaluated(drawn)][:count]
