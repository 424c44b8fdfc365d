"""BN-NAS: score each operation by the scale of the last batch norm in its block, and drop the lowest operations.

Chen et al., "BN-NAS: Neural Architecture Search with Batch Normalization", ICCV 2021. In the authors' code, the score
of an operation is the mean |gamma| of the last batch norm in its block, in a supernet whose batch norms alone were
trained; the score of an architecture is the sum over its layers, and guides a search. Dropping the operations of lowest
score is our own reading of it as a shrinkage method. `lissnas.supernet.scoring.batch_norm_weights` reads the scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.space import Floats, Space
from lissnas.subspaces.box import Box, shrink_box
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
    """BN-NAS as a shrinker: drops the operations with the smallest batch-norm weights; a box remains.

    It calls no evaluator. Choose it when a supernet is trained and nothing can be scored. Chen et al., ICCV 2021.

    Examples
    --------
    >>> BnNas(weights=((0.9, 0.1, 0.4),) * 8, size=256).size
    256
    """

    bibtex: ClassVar[str] = _BIBTEX

    weights: tuple[tuple[float, ...], ...]
    """Score of each choice, for each gene. A choice without a batch norm has NaN, and is never dropped."""

    size: int = 500
    """Number of architectures to keep: the result is the region nearest to it in size."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "size")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        yield shrink_box(Box.full(space), self.size, self._values(space))

    def _values(self, space: Space) -> Floats:
        """Return the scores, shape (genes, largest number of choices), NaN where a gene has fewer choices."""
        counts = tuple(map(len, self.weights))
        if counts != space.choices:
            raise SettingError(f"{space.name} has {space.choices} choices, but weights of {counts} were given")
        values = np.full((space.genes, max(space.choices)), np.nan)
        for gene, weights in enumerate(self.weights):
            values[gene, : len(weights)] = weights
        return values
