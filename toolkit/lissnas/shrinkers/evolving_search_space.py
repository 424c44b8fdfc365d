"""NSE: search in a few operations for each gene, keep those of the best networks, add unseen ones; one region remains.

Ci et al., "Evolving Search Space for Neural Architecture Search", ICCV 2021. From the paper's code: a random subset of
operations for each gene, the union of the operations of the best networks, refilled with operations not seen yet, until
all have been seen. There the best are the Pareto front of accuracy and cost in a retrained supernet. Ours: the best are
the highest scores of all rounds, and in the end as many of them are joined as bring the region nearest to `size`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one, score_unseen
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{ci2021evolving,
  title         = {Evolving Search Space for Neural Architecture Search},
  author        = {Ci, Yuanzheng and Lin, Chen and Sun, Ming and Chen, Boyu and Zhang, Hongwen and Ouyang,
    Wanli},
  booktitle     = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  year          = {2021},
  doi           = {10.1109/ICCV48922.2021.00659},
  eprint        = {2011.10904},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class EvolvingSearchSpace:
    """Settings of NSE; all defaults are our own choice but for the shape of the method."""

    bibtex: ClassVar[str] = _BIBTEX

    evaluations: int = 1200
    """How many networks are scored in all, an equal part in each round."""

    size: int = 500
    """How many networks to keep: the region nearest to it that joins the best networks."""

    operations: int = 3
    """How many operations of a gene are searched at once (5 of 27 in the paper)."""

    front: int = 5
    """How many of the best networks a round passes its operations on from."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "front")
        if self.operations < 2:
            raise SettingError(f"operations must be at least 2, not {self.operations}: one of them leaves no choice")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        if self.size > space.size:
            raise SettingError(f"cannot keep {self.size:,} of the {space.size:,} networks of {space.name}")
        seen = np.zeros_like(Box.whole(space).left)
        left = seen.copy()
        rounds = max(1, -(-(max(space.choices) - 1) // (self.operations - 1)))
        for number in range(1, rounds + 1):
            left = _refilled(left, seen, space, self.operations, rng)
            seen |= left
            box = Box(space, left)
            if box.size:
                score_unseen(box, evaluations, self.evaluations * number // rounds, rng)
            left = _union(space, evaluations.best(self.front)) if evaluations.count else left
        yield _nearest_union(space, evaluations.best(len(evaluations.scores)), self.size)


def _refilled(
    left: NDArray[np.bool_], seen: NDArray[np.bool_], space: Space, operations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Add to each gene operations that were never seen, at random, until it has as many as are searched at once."""
    refilled = left.copy()
    for gene, count in enumerate(space.choices):
        unseen = np.flatnonzero(~seen[gene, :count])
        missing = max(0, operations - int(left[gene].sum()))
        refilled[gene, rng.permutation(unseen)[:missing]] = True
    return refilled


def _union(space: Space, rows: Rows) -> NDArray[np.bool_]:
    """Return which choices any of the rows holds."""
    union = np.zeros_like(Box.whole(space).left)
    union[np.arange(space.genes), rows] = True
    return union


def _nearest_union(space: Space, best_first: Rows, size: int) -> Box:
    """Join the best networks one by one, and return the region whose size is nearest to `size` by their ratio."""
    box = Box(space, _union(space, best_first[:1]))
    for count in range(2, len(best_first) + 1):
        larger = Box(space, _union(space, best_first[:count]))
        if larger.size > size and larger.size * box.size >= size**2:
            return box
        box = larger
        if box.size >= size:
            return box
    return box
