"""The trainings of all cells of `cell201`, in packs: which there are, how one is run, and how it is kept.

A pack is 25 cells that differ in their first two edges only, so that every other edge is one computation for all. Its
result is a file of its own, so that a run may stop and go on at any time, on any number of processes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import numpy as np
import polars as pl

from lissnas.spaces.published.cell201 import OPERATIONS, cell201
from lissnas.spaces.space import Indices
from lissnas.storage.random_streams import CellStream
from lissnas.supernet.images.small_tasks import ImageTask
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe, Training, train_grouped

PACK = len(OPERATIONS) ** 2
"""How many cells are trained at once."""

REPEATED = 500
"""How many cells, drawn once and for all, are trained with two more seeds."""

_LARGEST_LOSS = 65_534
"""In thousandths of a nat; larger losses are written as this, one that is no number as one more."""


@dataclass(frozen=True)
class CellTableRecipe:
    """Everything that decides what the trainings give, but for the processor's rounding."""

    task: str
    recipe: StandaloneRecipe
    skeleton: Skeleton = field(default_factory=Skeleton)

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the recipe under the keys that the metadata of a table have: published tables fix them."""
        recipe = self.recipe
        return {
            "task": self.task,
            "recipe": {
                "epochs": recipe.epochs,
                "batch": recipe.batch_size,
                "rate": recipe.learning_rate,
                "momentum": recipe.momentum,
                "decay": recipe.weight_decay,
                "shift": recipe.max_shift,
            },
            "skeleton": asdict(self.skeleton),
        }

    def fingerprint(self, task: ImageTask) -> str:
        """Return the SHA-256 of the recipe and of the images: tables of other recipes or images have another one."""
        return hashlib.sha256(msgspec.json.encode((self.metadata, task.checksum()))).hexdigest()


@dataclass(frozen=True)
class Pack:
    """Cells that are trained at once.

    Attributes
    ----------
    seed
        Of their weights and of the order of their images.
    number
        Counts the packs of a seed from 0.
    """

    seed: int
    number: int

    @property
    def index(self) -> Indices:
        """Which cells: the places in the space, shape (25,)."""
        packs = cell201().size // PACK
        if self.seed == 0:
            return self.number + packs * np.arange(PACK, dtype=np.int64)
        return repeated_cells()[self.number * PACK : (self.number + 1) * PACK]

    @property
    def file_name(self) -> str:
        """What its result is called."""
        return f"seed-{self.seed}-pack-{self.number:03d}.parquet"


def repeated_cells() -> Indices:
    """Return the 500 cells that are trained with more than one seed, ascending."""
    return np.sort(np.random.default_rng(201).choice(cell201().size, REPEATED, replace=False))


def all_packs() -> tuple[Pack, ...]:
    """Return the packs of the whole study: all cells with seed 0, 500 with seeds 1 and 2.

    The repeated ones come after the first 100 packs, so that the noise is known early.
    """
    once = [Pack(0, number) for number in np.random.default_rng(201).permutation(cell201().size // PACK).tolist()]
    again = [Pack(seed, number) for seed in (1, 2) for number in range(REPEATED // PACK)]
    return (*once[:100], *again, *once[100:])


def train_pack(pack: Pack, study: CellTableRecipe, task: ImageTask) -> pl.DataFrame:
    """Train a pack from scratch, and return a row a cell.

    A cell's weights are drawn from its own generator, whatever pack it is in: cells that compute the same have other
    weights. The order of the images is the same for all cells of a seed.
    """
    rows = cell201().rows(pack.index)
    networks = [
        CellNetwork(row, study.skeleton, np.random.default_rng((pack.seed, CellStream.WEIGHTS, place)))
        for row, place in zip(rows, pack.index.tolist(), strict=True)
    ]
    return _frame(
        pack, train_grouped(networks, task, study.recipe, np.random.default_rng((pack.seed, CellStream.TRAINING)))
    )


def _frame(pack: Pack, training: Training) -> pl.DataFrame:
    def curve(values: Iterable[Any]) -> pl.Series:
        stacked = np.stack(list(values), axis=1).astype(np.uint16)
        return pl.Series(stacked, dtype=pl.Array(pl.UInt16, stacked.shape[1]))

    return pl.DataFrame(
        {
            "seed": pl.Series([pack.seed] * PACK, dtype=pl.UInt8),
            "index": pl.Series(pack.index, dtype=pl.UInt16),
            "train_correct": curve(score.correct for score in training.train),
            "train_loss": curve(_thousandths(score.loss) for score in training.train),
            "validation_correct": curve(score.correct for score in training.validation),
            "validation_loss": curve(_thousandths(score.loss) for score in training.validation),
            "test_correct": pl.Series(training.test.correct, dtype=pl.UInt16),
            "test_loss": pl.Series(_thousandths(training.test.loss), dtype=pl.UInt16),
            "seconds": pl.Series([training.seconds / PACK] * PACK, dtype=pl.Float32),
        }
    )


def _thousandths(losses: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.nan_to_num(np.minimum(np.rint(losses * 1_000), _LARGEST_LOSS), nan=_LARGEST_LOSS + 1)
