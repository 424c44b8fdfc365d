"""NSE: search a few operations of each gene, keep those of the best architectures, add new ones; one region remains.

Ci et al., "Evolving Search Space for Neural Architecture Search", ICCV 2021. From the paper's code: a round searches a
subset of the operations of each gene, keeps the union of the operations of the best architectures, and refills it with
operations not searched yet, until all were. In the paper the best are the Pareto front of accuracy and cost in a
retrained supernet. Our own choice: the best are the highest scores of all rounds, and the result joins as many of them
as bring the region nearest to `size`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.budget import check_size
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
    """Evolving search space (NSE): searches a few operations of each gene at a time; a box remains.

    Choose it for spaces with many operations per gene, where one round cannot cover all. All defaults are our own
    choice. Ci et al., ICCV 2021.

    Examples
    --------
    >>> EvolvingSearchSpace(evaluations=600, operations=5).front
    5
    """

    bibtex: ClassVar[str] = _BIBTEX

    evaluations: int = 1200
    """Number of architectures to score in all, an equal part in each round."""

    size: int = 500
    """Number of architectures to keep: the result is the union of the best that is nearest to it in size."""

    operations: int = 3
    """Number of operations of a gene in one round (5 of 27 in the paper)."""

    front: int = 5
    """Number of best architectures whose operations the next round keeps."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "front")
        if self.operations < 2:
            raise SettingError(f"operations must be at least 2, not {self.operations}: one operation leaves no choice")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        check_size(self.size, space)
        searched = np.zeros_like(Box.full(space).allowed)
        left = searched.copy()
        rounds = max(1, -(-(max(space.choices) - 1) // (self.operations - 1)))
        for number in range(1, rounds + 1):
            left = _refill(left, searched, space, self.operations, rng)
            searched |= left
            box = Box(space, left)
            if box.size:
                score_unseen(box, evaluations, self.evaluations * number // rounds, rng)
            left = _union(space, evaluations.best(self.front)) if evaluations.count else left
        yield _nearest_union(space, evaluations.best(len(evaluations.scores)), self.size)


def _refill(
    left: NDArray[np.bool_], searched: NDArray[np.bool_], space: Space, operations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the choices left plus random operations that were never searched, up to `operations` for each gene."""
    refilled = left.copy()
    for gene, count in enumerate(space.choices):
        new = np.flatnonzero(~searched[gene, :count])
        missing = max(0, operations - int(left[gene].sum()))
        refilled[gene, rng.permutation(new)[:missing]] = True
    return refilled


def _union(space: Space, rows: Rows) -> NDArray[np.bool_]:
    """Mark the choices that occur in any of the rows, shape (genes, largest number of choices)."""
    union = np.zeros_like(Box.full(space).allowed)
    union[np.arange(space.genes), rows] = True
    return union


def _nearest_union(space: Space, best_first: Rows, size: int) -> Box:
    """Return the union of the best rows whose size has the ratio to `size` nearest to 1, adding one row at a time."""
    box = Box(space, _union(space, best_first[:1]))
    for count in range(2, len(best_first) + 1):
        larger = Box(space, _union(space, best_first[:count]))
        if larger.size > size and larger.size * box.size >= size**2:
            return box
        box = larger
        if box.size >= size:
            return box
    return box
