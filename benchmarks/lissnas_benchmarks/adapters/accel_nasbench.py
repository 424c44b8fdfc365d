"""Accel-NASBench: ImageNet accuracies of 5,125 MnasNet-like networks, and their speed on six accelerators."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lissnas.spaces.published.accel_mnasnet import BLOCKS, accel_mnasnet
from lissnas.spaces.space import Floats, Indices
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.archive_reader import read_archive
from lissnas_benchmarks.readers.parquet_csv import scan_frame
from lissnas_benchmarks.readers.strict_json import read_json

_FILE = "anb_dataset_jsons.tar.gz"

_GENES = [f"block{block}_{kind}" for block in range(BLOCKS) for kind in ("e", "k", "l", "se")]
"""The file's names of the genes, in the space's order."""

_TRAINED = {
    "val_top1": ("accuracy", "validation", "%"),
    "val_top5": ("top5-accuracy", "validation", "%"),
    "train_time": ("training-time", "", "s"),
}
"""What each training has a value of its own of."""

_COSTS = {
    "macs": ("macs", "M"),
    "params": ("parameters", "M"),
    "latency_zcu102": ("zcu102-latency", "ms"),
    "latency_vck190": ("vck190-latency", "ms"),
    "throughput_a100": ("a100-throughput", "images/s"),
    "throughput_3090": ("3090-throughput", "images/s"),
    "throughput_tpuv2": ("tpuv2-throughput", "images/s"),
    "throughput_tpuv3": ("tpuv3-throughput", "images/s"),
    "throughput_zcu102": ("zcu102-throughput", "images/s"),
    "throughput_vck190": ("vck190-throughput", "images/s"),
}

_DATASET = "imagenet"

_MOST_RUNS = 10

_MOST_ROWS = 1_000_000
"""How many rows a table may have; there are 5,138 trainings."""

_COUNTS_FROM = 100_000
"""A file in which the largest parameters or MACs reach this holds plain counts, not millions."""

_OBTAIN = (
    f"download anb_dataset/{_FILE} from https://github.com/afzalxo/Accel-NASBench, "
    f"then run 'lissnas data import accel-nasbench {_FILE}' (a folder of its result_*.json, or a .parquet or .csv "
    f"table of their fields, will do as well)"
)


@dataclass(frozen=True)
class _Result:
    """One of the official JSON files; what else it holds is passed over."""

    architecture: dict[str, bool | int | str]
    metrics: dict[str, Any]
    platform_perf: dict[str, dict[str, Any]]
    macs: Any = None
    params: Any = None


@dataclass(frozen=True)
class _Trainings:
    """What the files hold, a row for each training, in the order of their numbers.

    Attributes
    ----------
    place
        Where in the space each architecture is, shape (n,).
    values
        By the file's names, each of shape (n,).
    """

    place: Indices
    values: Mapping[str, Floats]

    @property
    def index(self) -> Indices:
        """The architectures, each once, ascending."""
        return np.unique(self.place)

    @property
    def run(self) -> NDArray[np.int64]:
        """How many earlier trainings each one's architecture has, shape (n,)."""
        order = np.argsort(self.place, kind="stable")
        first = np.searchsorted(self.place[order], self.place[order])
        run = np.empty(len(order), dtype=np.int64)
        run[order] = np.arange(len(order)) - first
        return run


def _read(source: Import) -> Mapping[Column, Floats]:
    trainings = _trainings(source.files[0])
    index, run = trainings.index, trainings.run
    if len(run) and run.max() >= _MOST_RUNS:
        raise _other_layout(f"an architecture was trained {run.max() + 1} times")
    row = np.searchsorted(index, trainings.place)

    def placed(name: str, chosen: int) -> Floats:
        column = np.full(len(index), np.nan)
        column[row[run == chosen]] = trainings.values[name][run == chosen]
        return column

    columns: dict[Column, Floats] = {}
    for name, (metric, split, unit) in _TRAINED.items():
        for chosen in range(int(run.max(initial=0)) + 1):
            quality = unit == "%"
            columns[Column(metric, _DATASET, split, unit, seed=chosen, quality=quality)] = placed(name, chosen)
    for name, (metric, unit) in _COSTS.items():
        values = placed(name, 0)
        if unit == "M" and np.nanmax(values, initial=0) >= _COUNTS_FROM:
            values /= 1e6
        columns[Column(metric, _DATASET, "", unit, quality=False)] = values
    return columns


def _index(source: Import) -> Indices:
    return _trainings(source.files[0]).index


def _trainings(path: Path) -> _Trainings:
    """Read a table or the JSON files, whichever a path is."""
    names = [*_TRAINED, *_COSTS]
    if path.suffix in (".parquet", ".csv"):
        genes, values = _of_table(path, names)
    else:
        results = list(_results(path))
        genes = _genes([result.architecture for result in results])
        values = np.array([[_number(result, name) for name in names] for result in results]).reshape(-1, len(names))
    if not len(genes):
        raise _other_layout("it holds no result_*.json")
    by_name = dict(zip(names, values.T, strict=True))
    for name, column in by_name.items():
        most = 100 if name in ("val_top1", "val_top5") else 1e12
        if not (np.isnan(column) | ((column >= 0) & (column <= most))).all():
            raise _other_layout(f"a value of {name} is out of range")
    if np.isnan(by_name["val_top1"]).any():
        raise _other_layout("a network has no val_top1")
    return _Trainings(accel_mnasnet().index(genes), by_name)


def _results(path: Path) -> Iterator[_Result]:
    """Yield the results in the order of their numbers."""
    texts: dict[int, bytes] = {}
    for name, text in read_archive(path, r"result_\d{1,9}\.json"):
        number = int(name.removeprefix("result_").removesuffix(".json"))
        if number in texts:
            raise _other_layout(f"{name} stands in it twice")
        texts[number] = text
    for number in sorted(texts):
        yield read_json(texts[number], _Result, f"{path.name}: result_{number}.json", _OBTAIN)


def _genes(architectures: Sequence[Mapping[str, Any]]) -> NDArray[np.uint8]:
    """Return the rows of networks that are given as the file names their choices: expansion 6, or "True"."""
    space = accel_mnasnet()
    genes = [{name: gene for gene, name in enumerate(names)} for names in space.operations]
    rows = np.empty((len(architectures), space.genes), dtype=np.uint8)
    for row, architecture in zip(rows, architectures, strict=True):
        for gene, name in enumerate(_GENES):
            choice = architecture.get(name)
            written = str(choice).lower()
            if name.endswith("se"):
                written = {"true": "1", "false": "0"}.get(written, written)
            if written not in genes[gene]:
                raise _other_layout(f"{name} is {str(choice)[:20]!r}, not one of {', '.join(space.operations[gene])}")
            row[gene] = genes[gene][written]
    return rows


def _number(result: _Result, name: str) -> float:
    """Return a number of a JSON file, NaN where it was not measured."""
    kind, _, device = name.partition("_")
    if kind in ("latency", "throughput") and device:
        value = result.platform_perf.get(name, {}).get(f"{kind}_mean")
    else:
        value = result.metrics.get(name, getattr(result, name, None))
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _other_layout(f"{name} is {str(value)[:20]!r}, not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise _other_layout(f"{name} is more than a float holds") from error


def _of_table(path: Path, names: Sequence[str]) -> tuple[NDArray[np.uint8], Floats]:
    """Read the table of the fields: its columns are called as the fields are; those of costs may be absent."""
    try:
        lazy = scan_frame(path)
        present = lazy.collect_schema().names()
        missing = [name for name in (*_GENES, *_TRAINED) if name not in present]
        if missing:
            raise _other_layout(f"the table has no column {missing[0]}")
        rows = lazy.select(pl.len()).collect().item()
        if rows > _MOST_ROWS:
            raise _other_layout(f"{rows:,} rows")
        frame = lazy.select([name for name in (*_GENES, *names) if name in present]).collect()
        values = frame.with_columns(pl.lit(None).alias(name) for name in names if name not in present)
        numbers = values.select(pl.col(names).cast(pl.Float64)).to_numpy()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _other_layout(f"the table cannot be read: {first_line(error)}") from error
    return _genes(frame.select(pl.col(_GENES).cast(pl.String)).to_dicts()), numbers


def _other_layout(why: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{_FILE}: not in the official layout ({why}); {_OBTAIN}")


_BIBTEX = """\
@inproceedings{ahmad2024accelnasbench,
  title         = {{Accel-NASBench}: Sustainable Benchmarking for Accelerator-Aware {NAS}},
  author        = {Ahmad, Afzal and Du, Linfeng and Xie, Zhiyao and Zhang, Wei},
  booktitle     = {Design Automation Conference (DAC)},
  year          = {2024},
  doi           = {10.1145/3649329.3657391},
  eprint        = {2404.08005},
  archivePrefix = {arXiv},
}
"""

ADAPTER = TableAdapter(
    name="accel-nasbench",
    title="ImageNet accuracy of 5,125 of 1.04e11 MnasNet-like networks, and their speed on six accelerators",
    page="https://github.com/afzalxo/Accel-NASBench",
    license="Apache-2.0",
    paper="Ahmad et al., Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS, DAC 2024",
    bibtex=_BIBTEX,
    space=accel_mnasnet,
    files=(OfficialFile(_FILE),),
    read=_read,
    selects=Measure("accuracy", "validation"),
    reports=Measure("accuracy", "validation"),
    obtain=_OBTAIN,
    index=_index,
    caveats=(
        "a sample of its space: networks can be looked up and ranked, but not have their neighbors taken",
        "trained on ImageNet by a short recipe: the accuracies are below those of a full training",
        "13 networks were trained twice, which is runs 0 and 1; costs are those measured with run 0",
        "one split: networks are selected and reported by the same accuracies",
    ),
)
