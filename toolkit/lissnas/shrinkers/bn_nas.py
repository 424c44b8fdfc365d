"""BN-NAS: an operation is worth what the last batch norm of its block scales by; the lowest are dropped.

Chen et al., "BN-NAS: Neural Architecture Search with Batch Normalization", ICCV 2021. From the authors' code: a choice
of a layer is scored by the mean |gamma| of the last batch norm of its block, in a supernet of which only these norms
were trained; a network's score is the sum over its layers. There the score guides a search; dropping the operations of
lowest score is our own reading of it as a method of shrinking. `lissnas.supernet.scoring.batch_norm_weights`
reads the scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one
from lissnas.evaluation.evaluator import Evaluations
from lissnas.spaces.space import Floats, Space
from lissnas.subspaces.box import Box, shrink_to
from lissnas.subspaces.subspace import Subspace

_BIBTEX = """\
@inproceedings{chen2021bnnas,
  title         = {{BN-NAS}: Neural Architecture Search with Batch Normalization},
  author        = {Chen, Boyu and Li, Peixia and Li, Baopu and Lin, Chen and Li, Chuming and Sun, Ming and Yan,
    Junjie and Ouyang, Wanli},
  booktitle     = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  pages         = {307--316},
  year          = {2021},
  eprint        = {2108.07375},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class BnNas:
    """Settings of BN-NAS as a shrinker; it asks no evaluator."""

    bibtex: ClassVar[str] = _BIBTEX

    weights: tuple[tuple[float, ...], ...]
    """For each gene the score of each choice; NaN for a choice without a batch norm, which is never dropped."""

    size: int = 500
    """How many networks to keep: shrinking stops at the region nearest to it."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "size")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        yield shrink_to(Box.whole(space), self.size, self._values(space))

    def _values(self, space: Space) -> Floats:
        """Return the scores in the shape of a box's choices."""
        given = tuple(map(len, self.weights))
        if given != space.choices:
            raise SettingError(f"{space.name} has {space.choices} choices, but weights of {given} were given")
        values = np.full((space.genes, max(space.choices)), np.nan)
        for gene, weights in enumerate(self.weights):
            values[gene, : len(weights)] = weights
        return values
