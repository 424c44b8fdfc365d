"""Where finished packs are kept: a folder with a file a pack, and a table of them all, from which a run goes on too."""

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
"""Of the metadata of a Parquet file."""

_TRAINING = ["seed", "index"]
"""The columns that say which training a row is of."""


class TrainingStore:
    """The finished packs of a study.

    Parameters
    ----------
    folder
        Of the packs; made if need be.
    study, task
        What is trained, and on what; results of another study are refused.
    table
        A table of finished packs to go on from, if there is one.
    """

    def __init__(self, folder: Path, study: CellTableRecipe, task: ImageTask, table: Path | None = None) -> None:
        self.folder, self.study, self.task = folder, study, task
        self._fingerprint = study.fingerprint(task)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*.part"):
            left.unlink()
        self._collected = self._read(table) if table else None

    def missing(self) -> list[Pack]:
        """Return the packs that are still to be trained, in the order in which they are best trained."""
        known = set() if self._collected is None else set(self._collected.select(_TRAINING).iter_rows())
        return [
            pack
            for pack in all_packs()
            if not (self.folder / pack.file_name).exists()
            and not known.issuperset((pack.seed, place) for place in pack.index.tolist())
        ]

    def add(self, pack: Pack, results: pl.DataFrame) -> None:
        """Keep a finished pack; a file is there whole or not at all."""
        self._write(self.folder / pack.file_name, results, {})

    def collect(self, path: Path) -> int:
        """Write all finished packs to one table, and return how many trainings it holds.

        Rows are ordered by seed and by the place in the space. The metadata say what was trained, on which data, and
        how many trainings there are of how many.
        """
        frames = [self._read(file) for file in sorted(self.folder.glob("seed-*-pack-*.parquet"))]
        if self._collected is not None:
            frames.append(self._collected)
        if not frames:
            raise LissnasError(f"{self.folder}: no finished pack; train some first")
        results = pl.concat(frames).unique(_TRAINING, keep="first").sort(_TRAINING)
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
            "study": self.study.metadata,
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
        remedy = "take another folder, or delete the file and train its cells again"
        try:
            described = json.loads(pl.read_parquet_metadata(path)[_KEY])
            results = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError) as error:
            raise LissnasError(
                f"{path}: no readable results of trainings ({str(error).splitlines()[0]}); {remedy}"
            ) from error
        if described["fingerprint"] != self._fingerprint:
            raise LissnasError(f"{path}: trained with another recipe or other data; {remedy}")
        return results
