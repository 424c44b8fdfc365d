"""Accel-NASBench: ImageNet accuracies of 5,125 MnasNet-like architectures, and their speed on six accelerators."""

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

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.archive_reader import read_archive
from lissnas_benchmarks.readers.own_file import open_own_file
from lissnas_benchmarks.readers.strict_json import read_json

_FILE = "anb_dataset_jsons.tar.gz"

_GENES = [f"block{block}_{kind}" for block in range(BLOCKS) for kind in ("e", "k", "l", "se")]
"""The file's names of the genes, in the order of the space's genes."""

_TRAINING_METRICS = {
    "val_top1": ("accuracy", "validation", "%"),
    "val_top5": ("top5-accuracy", "validation", "%"),
    "train_time": ("training-time", "", "s"),
}
"""The metrics that every training has: our metric, split and unit."""

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
"""The costs of an architecture: our metric and unit."""

_DATASET = "imagenet"

_MAX_RUNS = 10
"""Maximum number of trainings of an architecture; the official file has at most 2."""

_MAX_ROWS = 1_000_000
"""Maximum number of rows of a table; the official file has 5,138 trainings."""

_COUNTS_FROM = 100_000
"""If the largest number of parameters or MACs reaches this, the file has plain counts instead of millions."""

_OBTAIN = (
    f"download anb_dataset/{_FILE} from https://github.com/afzalxo/Accel-NASBench, "
    f"then run 'lissnas data import accel-nasbench {_FILE}' (or a folder of its result_*.json, or a .parquet or "
    f".csv table of their fields)"
)


@dataclass(frozen=True)
class _Result:
    """One of the official JSON files; other fields are ignored."""

    architecture: dict[str, bool | int | str]
    metrics: dict[str, Any]
    platform_perf: dict[str, dict[str, Any]]
    macs: Any = None
    params: Any = None


@dataclass(frozen=True)
class _Trainings:
    """All trainings, one row each, in the order of the files' numbers.

    Attributes
    ----------
    place
        The index of each training's architecture in the space, shape (n,).
    values
        The measurements by the file's names, each of shape (n,).
    """

    place: Indices
    values: Mapping[str, Floats]

    @property
    def index(self) -> Indices:
        """The distinct architectures, ascending."""
        return np.unique(self.place)

    @property
    def run(self) -> NDArray[np.int64]:
        """Number of earlier trainings of the same architecture, shape (n,)."""
        order = np.argsort(self.place, kind="stable")
        first = np.searchsorted(self.place[order], self.place[order])
        run = np.empty(len(order), dtype=np.int64)
        run[order] = np.arange(len(order)) - first
        return run


def _read(source: Import) -> Mapping[Column, Floats]:
    trainings = _trainings(source.files[0])
    index, run = trainings.index, trainings.run
    if len(run) and run.max() >= _MAX_RUNS:
        raise _other_layout(f"an architecture was trained {run.max() + 1} times")
    row = np.searchsorted(index, trainings.place)

    def values_of(name: str, number: int) -> Floats:
        column = np.full(len(index), np.nan)
        column[row[run == number]] = trainings.values[name][run == number]
        return column

    columns: dict[Column, Floats] = {}
    for name, (metric, split, unit) in _TRAINING_METRICS.items():
        for number in range(int(run.max(initial=0)) + 1):
            quality = unit == "%"
            columns[Column(metric, _DATASET, split, unit, seed=number, quality=quality)] = values_of(name, number)
    for name, (metric, unit) in _COSTS.items():
        values = values_of(name, 0)
        if unit == "M" and np.nanmax(values, initial=0) >= _COUNTS_FROM:
            values /= 1e6
        columns[Column(metric, _DATASET, "", unit, quality=False)] = values
    return columns


def _index(source: Import) -> Indices:
    return _trainings(source.files[0]).index


def _trainings(path: Path) -> _Trainings:
    """Return the trainings in a table, or in an archive or folder of JSON files."""
    names = [*_TRAINING_METRICS, *_COSTS]
    if path.suffix in (".parquet", ".csv"):
        genes, values = _read_table(path, names)
    else:
        results = list(_results(path))
        genes = _genes([result.architecture for result in results])
        values = np.array([[_number(result, name) for name in names] for result in results]).reshape(-1, len(names))
    if not len(genes):
        raise _other_layout("it contains no result_*.json")
    genes, values = _without_copies(genes, values)
    by_name = dict(zip(names, values.T, strict=True))
    for name, column in by_name.items():
        largest = 100 if name in ("val_top1", "val_top5") else 1e12
        if not (np.isnan(column) | ((column >= 0) & (column <= largest))).all():
            raise _other_layout(f"a value of {name} is out of range")
    if np.isnan(by_name["val_top1"]).any():
        raise _other_layout("an architecture has no val_top1")
    return _Trainings(accel_mnasnet().index(genes), by_name)


def _without_copies(genes: NDArray[np.uint8], values: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Drop trainings that equal an earlier one in every value, its seconds included: they are copies, not repeats."""
    _, first = np.unique(np.hstack([genes, np.nan_to_num(values, nan=-1.0)]), axis=0, return_index=True)
    first.sort()
    return genes[first], values[first]


def _results(path: Path) -> Iterator[_Result]:
    """Yield the results in the order of their numbers."""
    texts: dict[int, bytes] = {}
    for name, text in read_archive(path, r"result_\d{1,9}\.json"):
        number = int(name.removeprefix("result_").removesuffix(".json"))
        if number in texts:
            raise _other_layout(f"it contains {name} twice")
        texts[number] = text
    for number in sorted(texts):
        yield read_json(texts[number], _Result, f"{path.name}: result_{number}.json", _OBTAIN)


def _genes(architectures: Sequence[Mapping[str, Any]]) -> NDArray[np.uint8]:
    """Return the rows of architectures whose choices are given as in the file: expansion 6, or "True"."""
    space = accel_mnasnet()
    genes = [{name: gene for gene, name in enumerate(names)} for names in space.operations]
    rows = np.empty((len(architectures), space.genes), dtype=np.uint8)
    for row, architecture in zip(rows, architectures, strict=True):
        for gene, name in enumerate(_GENES):
            choice = architecture.get(name)
            text = str(choice).lower()
            if name.endswith("se"):
                text = {"true": "1", "false": "0"}.get(text, text)
            if text not in genes[gene]:
                raise _other_layout(f"{name} is {str(choice)[:20]!r}, not one of {', '.join(space.operations[gene])}")
            row[gene] = genes[gene][text]
    return rows


def _number(result: _Result, name: str) -> float:
    """Return a measurement of a JSON file; NaN if it was not measured."""
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
        raise _other_layout(f"{name} is too large for a float") from error


def _read_table(path: Path, names: Sequence[str]) -> tuple[NDArray[np.uint8], Floats]:
    """Return genes and measurements of a table whose columns have the names of the fields; costs may be absent."""
    try:
        file = open_own_file(path)
    except (BenchmarkFileError, OSError) as error:
        raise _other_layout(f"the table cannot be read: {first_line(error)}") from error
    missing = [name for name in (*_GENES, *_TRAINING_METRICS) if name not in file.names]
    if missing:
        raise _other_layout(f"the table has no column {missing[0]}")
    if file.rows > _MAX_ROWS:
        raise _other_layout(f"{file.rows:,} rows")
    absent = np.full(file.rows, np.nan)
    try:
        numbers = np.stack([file.numbers(name) if name in file.names else absent for name in names], axis=1)
    except BenchmarkFileError as error:
        raise _other_layout(str(error)) from error
    return _genes(pl.DataFrame({name: file.column(name).cast(pl.String) for name in _GENES}).to_dicts()), numbers


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
    title="ImageNet accuracy of 5,125 of 1.04e11 MnasNet-like architectures, and their speed on six accelerators",
    page="https://github.com/afzalxo/Accel-NASBench",
    license="Apache-2.0",
    paper="Ahmad et al., Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS, DAC 2024",
    bibtex=_BIBTEX,
    space=accel_mnasnet,
    files=(OfficialFile(_FILE, url=in_repository("afzalxo/Accel-NASBench", f"anb_dataset/{_FILE}")),),
    signs=(("block0_e", "block0_se", "val_top1"), ("result_0.json", "block0_e")),
    read=_read,
    selects=Measure("accuracy", "validation"),
    reports=Measure("accuracy", "validation"),
    obtain=_OBTAIN,
    index=_index,
    caveats=(
        "a sample of its space: architectures can be looked up and ranked, but most neighbors are missing",
        "trained on ImageNet by a short recipe: the accuracies are below those of a full training",
        "13 architectures were trained twice (seeds 0 and 1); costs were measured with seed 0",
        "one split: architectures are selected and reported by the same accuracies",
    ),
)
