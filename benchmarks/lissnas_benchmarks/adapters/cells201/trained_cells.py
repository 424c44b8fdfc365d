"""The cells of NAS-Bench-201, trained by this project on scikit-learn's digits and on Fashion-MNIST at 8 x 8 pixels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

import lissnas_benchmarks
from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import BIBTEX
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError

SEEDS = (0, 1, 2)
"""All cells were trained with the first seed, 500 of them also with the others."""

_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class _TrainingRecipe:
    epochs: int
    batch: int


@dataclass(frozen=True)
class _TrainingTask:
    task: str
    recipe: _TrainingRecipe


@dataclass(frozen=True)
class _Metadata:
    """The used part of the file's metadata."""

    study: _TrainingTask
    images: dict[str, int]

    def image_count(self, split: str) -> int:
        """Return the number of images of a split that were evaluated; training drops the last, incomplete batch."""
        images = self.images[split]
        batch = self.study.recipe.batch
        return images // batch * batch if split == "train" else images


class BundledAdapter(TableAdapter):
    """A benchmark whose table is part of this package; in a checkout it is in the folder `data` at the top."""

    def installed_files(self) -> tuple[Path, ...]:
        package = Path(lissnas_benchmarks.__file__).parent
        for folder in (package / "data", package.parents[1] / "data"):
            files = tuple(folder / file.name for file in self.files)
            if all(file.is_file() for file in files):
                return files
        raise MissingFileError(f"{self.name}: its table is not here; {self.remedy}")


def _reader(task: str, remedy: str) -> Callable[[Import], Mapping[Column, Floats]]:
    """Return the function that reads the table of a task."""

    def read(source: Import) -> Mapping[Column, Floats]:
        metadata, results = _open_table(source.files[0], remedy)
        if metadata.study.task != task:
            raise BenchmarkFileError(f"{source.files[0].name}: of {metadata.study.task}, not of {task}; {remedy}")
        columns: dict[Column, Floats] = {}
        for seed in SEEDS:
            trained = results.filter(pl.col("seed") == seed)
            for split in _SPLITS:
                correct, loss = (trained[f"{split}_{what}"].to_numpy() for what in ("correct", "loss"))
                share = 100.0 / metadata.image_count(split) * correct  # in this order: the counts have 16 bits
                nats = np.where(loss == np.iinfo(np.uint16).max, np.nan, loss / 1_000)
                for metric, unit, values in (("accuracy", "%", share), ("loss", "nats", nats)):
                    column = Column(
                        metric, task, split, unit, metadata.study.recipe.epochs, seed, quality=metric == "accuracy"
                    )
                    ordered = _in_space_order(trained, values)
                    if ordered.ndim == 2:
                        source.curves(column, *ordered.shape)[:] = ordered
                        ordered = ordered[:, -1]
                    columns[column] = ordered
            seconds = Column("training-time", task, "", "s", metadata.study.recipe.epochs, seed, quality=False)
            columns[seconds] = _in_space_order(trained, trained["seconds"].to_numpy())
        return columns

    return read


def _open_table(path: Path, remedy: str) -> tuple[_Metadata, pl.DataFrame]:
    """Return the metadata and results of a table; raises BenchmarkFileError unless it has all cells."""
    try:
        metadata = msgspec.json.decode(pl.read_parquet_metadata(path)["lissnas"], type=_Metadata)
        results = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError) as error:
        raise BenchmarkFileError(f"{path.name}: not readable ({str(error).splitlines()[0]}); {remedy}") from error
    cells = np.sort(results.filter(pl.col("seed") == 0)["index"].to_numpy())
    if not np.array_equal(cells, np.arange(cell201().size)):
        raise BenchmarkFileError(
            f"{path.name}: unfinished: {len(cells):,} of {cell201().size:,} cells are trained; {remedy}"
        )
    return metadata, results


def _in_space_order(trained: pl.DataFrame, values: NDArray[np.floating]) -> Floats:
    """Return values in the order of the space's index; NaN for a cell that was not trained."""
    ordered = np.full((cell201().size, *values.shape[1:]), np.nan)
    ordered[trained["index"].to_numpy()] = values
    return ordered


def _benchmark(name: str, task: str, title: str, caveats: tuple[str, ...], sha256: str | None = None) -> TableAdapter:
    remedy = f"continue with 'python -m lissnas.supernet.standalone.train_cells {task}', as data/README.md says"
    return BundledAdapter(
        name=name,
        title=title,
        page="docs/benchmarks/trained-cells.md",
        license="Apache-2.0",
        paper=(
            "this project; the space is that of Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible "
            "Neural Architecture Search, ICLR 2020"
        ),
        bibtex=BIBTEX,
        space=cell201,
        files=(OfficialFile(f"{name}.parquet", sha256),),
        read=_reader(task, remedy),
        selects=Measure("accuracy", "validation", seeds=(0,)),
        reports=Measure("accuracy", "test", seeds=(0,)),
        obtain=remedy,
        caveats=(
            "small networks on 8 x 8 images: findings may not transfer to ImageNet",
            "one training of each cell; 500 random cells have two more, to measure the noise",
            *caveats,
        ),
    )


DIGITS = _benchmark(
    "digits-cells",
    "digits",
    "accuracy on handwritten digits of all 15,625 NAS-Bench-201 cells in a small network, with curves",
    ("400 validation and 397 test images: one image is 0.25 %, and many architectures are tied",),
    "577992701b5a2d3f9bb71684189c5312fd49ae6ec056fa93d0bc32158c6217c6",
)

FASHION = _benchmark(
    "fashion-cells",
    "fashion-mnist",
    "accuracy on Fashion-MNIST at 8 x 8 pixels of all 15,625 NAS-Bench-201 cells in a small network, with curves",
    ("two trainings of a cell agree less than on digits: Kendall tau 0.68 instead of 0.75",),
    "ecb577c5bfb25e0cc8a7542f4a2f980615e86e3bec3b6b4d553d844d44d63c27",
)
