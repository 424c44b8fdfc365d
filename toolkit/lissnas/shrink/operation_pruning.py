"""Operation pruning: drop the operation whose networks are worst on average, again and again; one region remains.

The rule that LISSNAS calls operational pruning, as in Xia et al., "PAD-NAS" (2020), whose code is not public. How the
evaluations are spread and when to stop is our own choice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from lissnas.box import Box, shrink_to
from lissnas.evaluate import Evaluations
from lissnas.shrink.budget import check_at_least_one, check_spread, round_sizes, score_unseen
from lissnas.space import Space
from lissnas.subspace import Subspace


@dataclass(frozen=True)
class OperationPruningSettings:
    """Settings of operation pruning; all defaults are our own choice."""

    evaluations: int = 1200
    """How many networks are scored in all, an equal part in each round."""

    size: int = 500
    """How many networks to keep: pruning stops at the region nearest to it."""

    max_rounds: int = 4
    """In how many rounds, each shrinking by the same factor; in each one the remaining region is sampled anew."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "max_rounds")
        check_spread(self.evaluations, self.max_rounds)

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        box = Box.whole(space)
        for number, size in enumerate(round_sizes(space, self.size, self.max_rounds), start=1):
            score_unseen(box, evaluations, self.evaluations * number // self.max_rounds, rng)
            box = shrink_to(box, size, partial(Box.mean_scores, rows=evaluations.rows, scores=evaluations.scores))
            yield box
