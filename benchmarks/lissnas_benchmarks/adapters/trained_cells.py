"""The cells of NAS-Bench-201 that this project trained itself, on scikit-learn's digits and on small Fashion-MNIST."""

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
from lissnas_benchmarks.adapters.nas_bench_201 import BIBTEX
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError

SEEDS = (0, 1, 2)
"""Every cell was trained with the first, 500 with the others too."""

_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class _Recipe:
    epochs: int
    batch: int


@dataclass(frozen=True)
class _Study:
    task: str
    recipe: _Recipe


@dataclass(frozen=True)
class _Described:
    """What the file says of itself, as far as it is needed here."""

    study: _Study
    images: dict[str, int]

    def seen(self, part: str) -> int:
        """Return of how many images the answers were counted: those of a training epoch that filled a batch, or all."""
        images = self.images[part]
        batch = self.study.recipe.batch
        return images // batch * batch if part == "train" else images


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
    """Return what reads the table of a task."""

    def read(source: Import) -> Mapping[Column, Floats]:
        described, results = _opened(source.files[0], remedy)
        if described.study.task != task:
            raise BenchmarkFileError(f"{source.files[0].name}: of {described.study.task}, not of {task}; {remedy}")
        columns: dict[Column, Floats] = {}
        for seed in SEEDS:
            trained = results.filter(pl.col("seed") == seed)
            for part in _PARTS:
                correct, loss = (trained[f"{part}_{what}"].to_numpy() for what in ("correct", "loss"))
                share = 100.0 / described.seen(part) * correct  # in this order: the counts are integers of 16 bits
                nats = np.where(loss == np.iinfo(np.uint16).max, np.nan, loss / 1_000)
                for metric, unit, values in (("accuracy", "%", share), ("loss", "nats", nats)):
                    column = Column(
                        metric, task, part, unit, described.study.recipe.epochs, seed, quality=metric == "accuracy"
                    )
                    placed = _placed(trained, values)
                    if placed.ndim == 2:
                        source.curves(column, *placed.shape)[:] = placed
                        placed = placed[:, -1]
                    columns[column] = placed
            seconds = Column("training-time", task, "", "s", described.study.recipe.epochs, seed, quality=False)
            columns[seconds] = _placed(trained, trained["seconds"].to_numpy())
        return columns

    return read


def _opened(path: Path, remedy: str) -> tuple[_Described, pl.DataFrame]:
    """Open a table; raises BenchmarkFileError unless all cells are in it."""
    try:
        described = msgspec.json.decode(pl.read_parquet_metadata(path)["lissnas"], type=_Described)
        results = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError) as error:
        raise BenchmarkFileError(f"{path.name}: not readable ({str(error).splitlines()[0]}); {remedy}") from error
    cells = np.sort(results.filter(pl.col("seed") == 0)["index"].to_numpy())
    if not np.array_equal(cells, np.arange(cell201().size)):
        raise BenchmarkFileError(
            f"{path.name}: unfinished, {len(cells):,} of {cell201().size:,} cells are trained; {remedy}"
        )
    return described, results


def _placed(trained: pl.DataFrame, values: NDArray[np.floating]) -> Floats:
    """Return values in the order of the space's index, NaN where a cell was not trained."""
    placed = np.full((cell201().size, *values.shape[1:]), np.nan)
    placed[trained["index"].to_numpy()] = values
    return placed


def _benchmark(name: str, task: str, title: str, caveats: tuple[str, ...], sha256: str | None = None) -> TableAdapter:
    remedy = f"go on training with 'python -m lissnas.supernet.standalone.train_cells {task}', as data/README.md says"
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
            "small networks on 8 x 8 images: what is true here need not be true of ImageNet",
            "one training of each cell; 500 drawn cells have two more, for the noise",
            *caveats,
        ),
    )


DIGITS = _benchmark(
    "digits-cells",
    "digits",
    "accuracy on handwritten digits of all 15,625 NAS-Bench-201 cells in a small network, with curves",
    ("400 validation and 397 test images: an image is a quarter of a percent, and many networks are tied",),
    "577992701b5a2d3f9bb71684189c5312fd49ae6ec056fa93d0bc32158c6217c6",
)

FASHION = _benchmark(
    "fashion-cells",
    "fashion-mnist",
    "accuracy on Fashion-MNIST at 8 x 8 pixels of all 15,625 NAS-Bench-201 cells in a small network, with curves",
    ("two trainings of a cell agree less than on digits: tau 0.68 against 0.75",),
    "ecb577c5bfb25e0cc8a7542f4a2f980615e86e3bec3b6b4d553d844d44d63c27",
)
