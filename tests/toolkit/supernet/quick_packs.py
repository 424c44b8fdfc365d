"""Packs that train in a second, and a run of all of them in a process of its own."""

import os
from pathlib import Path

from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.standalone.cell_packs import CellTableRecipe
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe
from lissnas.supernet.standalone.pack_store import PackStore
from lissnas.supernet.standalone.train_cells import train_missing

QUICK = CellTableRecipe("digits", StandaloneRecipe(epochs=1, batch_size=500), Skeleton(channels=2))


def store(folder: Path, table: Path | None = None, recipe: CellTableRecipe = QUICK) -> PackStore:
    return PackStore(folder, recipe, digits(), table)


def train_all(folder: Path) -> None:
    """Train all packs with one worker, in a process group of its own; the output goes to a file."""
    os.setsid()
    os.dup2(os.open(folder / "stdout", os.O_WRONLY | os.O_CREAT), 1)
    train_missing(store(folder), QUICK, workers=1)
