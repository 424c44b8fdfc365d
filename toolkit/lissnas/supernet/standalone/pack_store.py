"""PackStore: the finished packs of a table of trained cells, one file each, and the table that collects them."""

import json
import platform
from pathlib import Path

import polars as pl
import torch

from lissnas.errors import LissnasError
from lissnas.spaces.published.cell201 import cell201
from lissnas.storage.atomic_write import atomic_write
from lissnas.supernet.images.small_tasks import ImageTask
from lissnas.supernet.standalone.cell_packs import PACK, CellTableRecipe, Pack, all_packs

_KEY = "lissnas"
"""Key of our metadata in a Parquet file."""

_KEY_COLUMNS = ["seed", "index"]
"""Columns that identify the training of a row."""


class PackStore:
    """The finished packs of a table.

    Parameters
    ----------
    folder
        Folder of the packs. It is created if it does not exist.
    recipe, task
        The recipe of the table, and its images. Results of other recipes or images are refused.
    table
        A table of finished packs, as `collect` writes it, to continue from.
    """

    def __init__(self, folder: Path, recipe: CellTableRecipe, task: ImageTask, table: Path | None = None) -> None:
        self.folder, self.recipe, self.task = folder, recipe, task
        self._fingerprint = recipe.fingerprint(task)
        folder.mkdir(parents=True, exist_ok=True)
        for incomplete in folder.glob(".*.part"):
            incomplete.unlink()
        self._collected = self._read(table) if table else None

    def missing(self) -> list[Pack]:
        """Return the packs that are not finished, in the order of `all_packs`."""
        finished = set() if self._collected is None else set(self._collected.select(_KEY_COLUMNS).iter_rows())
        return [
            pack
            for pack in all_packs()
            if not (self.folder / pack.file_name).exists()
            and not finished.issuperset((pack.seed, place) for place in pack.index.tolist())
        ]

    def add(self, pack: Pack, results: pl.DataFrame) -> None:
        """Write the file of a finished pack, atomically."""
        self._write(self.folder / pack.file_name, results, {})

    def collect(self, path: Path) -> int:
        """Write all finished packs to one table, and return its number of trainings.

        Rows are sorted by seed and index. The metadata have the recipe, checksums of the images, and how many of all
        trainings are finished.
        """
        frames = [self._read(file) for file in sorted(self.folder.glob("seed-*-pack-*.parquet"))]
        if self._collected is not None:
            frames.append(self._collected)
        if not frames:
            raise LissnasError(f"{self.folder}: no finished pack; train at least one first")
        results = pl.concat(frames).unique(_KEY_COLUMNS, keep="first").sort(_KEY_COLUMNS)
        counts = {
            "trainings": results.height,
            "trainings_in_all": len(all_packs()) * PACK,
            "cells": results.filter(pl.col("seed") == 0).height,
            "cells_in_all": cell201().size,
            "core_hours": round(float(results["seconds"].sum()) / 3600, 2),
        }
        self._write(path, results, counts)
        return results.height

    def _write(self, path: Path, results: pl.DataFrame, counts: dict[str, float]) -> None:
        described = {
            "study": self.recipe.metadata,
            "fingerprint": self._fingerprint,
            "data_sha256": self.task.checksum(),
            "images": {part: len(getattr(self.task, part).labels) for part in ("train", "validation", "test")},
            "torch": torch.__version__.partition("+")[0],
            "processor": platform.machine(),
            **counts,
        }
        with atomic_write(path) as file:
            results.write_parquet(
                file, compression="zstd", compression_level=22, metadata={_KEY: json.dumps(described)}
            )

    def _read(self, path: Path) -> pl.DataFrame:
        advice = "choose another folder, or delete the file and train its cells again"
        try:
            described = json.loads(pl.read_parquet_metadata(path)[_KEY])
            results = pl.read_parquet(path, glob=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError) as error:
            raise LissnasError(
                f"{path}: not a readable table of trained cells ({str(error).splitlines()[0]}); {advice}"
            ) from error
        if described["fingerprint"] != self._fingerprint:
            raise LissnasError(f"{path}: trained with another recipe or other images; {advice}")
        return results
