"""Packs of cells: 25 cells of `cell201` that are trained at once, and the table of their results.

The cells of a pack differ only in their first two edges, so every other edge is one computation for all 25. Each pack
has its own file of results, so a run can stop and resume at any time, with any number of processes.
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
"""Number of cells in a pack."""

REPEATED = 500
"""Number of cells that are trained with two more seeds. They are drawn with a fixed seed."""

_MAX_LOSS = 65_534
"""Largest loss in a table, in thousandths of a nat. Larger losses are clipped to it; NaN is written as one more."""


@dataclass(frozen=True)
class CellTableRecipe:
    """The recipe of a table of trained cells: task, training and skeleton. Only rounding depends on more."""

    task: str
    training: StandaloneRecipe
    skeleton: Skeleton = field(default_factory=Skeleton)

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the recipe under the keys that the metadata of a table have: published tables fix them."""
        training = self.training
        return {
            "task": self.task,
            "recipe": {
                "epochs": training.epochs,
                "batch": training.batch_size,
                "rate": training.learning_rate,
                "momentum": training.momentum,
                "decay": training.weight_decay,
                "shift": training.max_shift,
            },
            "skeleton": asdict(self.skeleton),
        }

    def fingerprint(self, task: ImageTask) -> str:
        """Return the SHA-256 of the recipe and of the images: tables of other recipes or images have another one."""
        return hashlib.sha256(msgspec.json.encode((self.metadata, task.checksum()))).hexdigest()


@dataclass(frozen=True)
class Pack:
    """25 cells that are trained at once.

    Attributes
    ----------
    seed
        Seed of their weights and of the order of the images.
    number
        Number of the pack among those of its seed, from 0.
    """

    seed: int
    number: int

    @property
    def index(self) -> Indices:
        """Indices of the cells in the space, shape (25,)."""
        packs = cell201().size // PACK
        if self.seed == 0:
            return self.number + packs * np.arange(PACK, dtype=np.int64)
        return repeated_cells()[self.number * PACK : (self.number + 1) * PACK]

    @property
    def file_name(self) -> str:
        """Name of the file with the results."""
        return f"seed-{self.seed}-pack-{self.number:03d}.parquet"


def repeated_cells() -> Indices:
    """Return the indices of the 500 cells that are trained with three seeds, ascending."""
    return np.sort(np.random.default_rng(201).choice(cell201().size, REPEATED, replace=False))


def all_packs() -> tuple[Pack, ...]:
    """Return all packs of a table: all cells with seed 0, and 500 cells with seeds 1 and 2.

    The repeated cells come after the first 100 packs, so that an unfinished table already shows the noise.
    """
    first_seed = [Pack(0, number) for number in np.random.default_rng(201).permutation(cell201().size // PACK).tolist()]
    other_seeds = [Pack(seed, number) for seed in (1, 2) for number in range(REPEATED // PACK)]
    return (*first_seed[:100], *other_seeds, *first_seed[100:])


def train_pack(pack: Pack, recipe: CellTableRecipe, task: ImageTask) -> pl.DataFrame:
    """Train a pack from new weights, and return a table with one row per cell.

    The weights of a cell depend on the seed and its index, not on its pack; isomorphic cells have different weights.
    The order of the images is the same for all cells of a seed.
    """
    rows = cell201().rows(pack.index)
    networks = [
        CellNetwork(row, recipe.skeleton, np.random.default_rng((pack.seed, CellStream.WEIGHTS, place)))
        for row, place in zip(rows, pack.index.tolist(), strict=True)
    ]
    return _frame(
        pack, train_grouped(networks, task, recipe.training, np.random.default_rng((pack.seed, CellStream.TRAINING)))
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
    return np.nan_to_num(np.minimum(np.rint(losses * 1_000), _MAX_LOSS), nan=_MAX_LOSS + 1)
