"""HW-NAS-Bench-360: latency and energy of the 15,625 cells of NAS-Bench-201 on a Raspberry Pi 5 and a Pixel phone."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.untrusted_parquet import scan_untrusted_parquet

_FILE = "dataset.parquet"

_DEVICES = (("pi5", "litert"), ("pi5", "onnx"), ("pi5", "torchmobile"), ("pixel", "litert"))

_TASKS = {"cifar100": "%", "ninapro": "%", "darcy": ""}
"""The tasks, with the unit of their accuracies."""

_COSTS = {"lat_ms_median": ("latency", "ms"), "lat_ms_var": ("latency-variance", "ms^2"), "energy_mj": ("energy", "mJ")}

_NAMES = ("arch_idx", "device", "framework", "task", "accuracy", "status", *_COSTS)

_OBTAIN = (
    f"download results/{_FILE} from https://github.com/roldebijvank/HW-NAS-Bench-360, then run "
    f"'lissnas data import {_FILE}'"
)


def read_costs(frame: pl.DataFrame) -> dict[Column, Floats]:
    """Return the columns of a frame with one row for each cell, device, framework and task.

    Raises BenchmarkFileError if a cell is missing or occurs twice.
    """
    space = cell201()
    order, columns = official_order(space), {}
    for task, unit in _TASKS.items():
        for device, framework in _DEVICES:
            part = frame.filter(task=task, device=device, framework=framework)
            index = part["arch_idx"].to_numpy()
            if len(part) != space.size or not np.array_equal(np.sort(index), np.arange(space.size)):
                raise BenchmarkFileError(
                    f"{_FILE}: {part['arch_idx'].n_unique():,} of {space.size:,} cells on {device} with {framework} "
                    f"for {task}, in {len(part):,} rows; {_OBTAIN}"
                )
            measured = (part["status"] == "ok").to_numpy()
            for name, (metric, of) in _COSTS.items():
                values = np.where(measured, part[name].cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
                if not np.isnan(values).all():
                    column = Column(f"{device}-{framework}-{metric}", task, "", of, quality=False)
                    columns[column] = _placed(values, order[index])
            accuracy = Column("accuracy", task, "test", unit, 200)
            values = _placed(part["accuracy"].cast(pl.Float64).fill_null(np.nan).to_numpy(), order[index])
            if not np.array_equal(columns.setdefault(accuracy, values), values, equal_nan=True):
                raise BenchmarkFileError(f"{_FILE}: the accuracies on {task} differ between devices; {_OBTAIN}")
    return columns


def _placed(values: Floats, index: np.ndarray) -> Floats:
    placed = np.empty(len(values))
    placed[index] = values
    return placed


def _read(source: Import) -> Mapping[Column, Floats]:
    try:
        lazy = scan_untrusted_parquet(source.files[0])
        if lazy.select(pl.len()).collect().item() > 10_000_000:
            raise BenchmarkFileError(f"{_FILE}: too many rows; {_OBTAIN}")
        frame = lazy.select(_NAMES).collect()
        return read_costs(frame)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, TypeError) as error:
        raise BenchmarkFileError(f"{_FILE}: not in the official layout ({first_line(error)}); {_OBTAIN}") from error


ADAPTER = TableAdapter(
    name="hw-nas-bench-360",
    title="latency and energy of 15,625 cells on a Raspberry Pi 5 and a Pixel, accuracies on three tasks",
    page="https://github.com/roldebijvank/HW-NAS-Bench-360",
    license="none stated",
    paper="HW-NAS-Bench-360, https://github.com/roldebijvank/HW-NAS-Bench-360 (no paper stated)",
    space=cell201,
    files=(
        OfficialFile(
            _FILE,
            sha256="d3ce4198e31564486b7194ba28507bea3867cb16a2587d68d82e3b62cfff4cce",
            url=in_repository("roldebijvank/HW-NAS-Bench-360", f"results/{_FILE}"),
            size=3_119_939,
        ),
    ),
    signs=(("rep_arch_idx", "lat_ms_median", "energy_mj"),),
    read=_read,
    selects=Measure("accuracy", "test", epochs=200),
    reports=Measure("accuracy", "test", epochs=200),
    obtain=_OBTAIN,
    caveats=(
        "selected and reported by the same test accuracies: the file has no validation",
        "latency and energy are those of the first isomorphic cell; accuracies are each cell's own",
        "the accuracy on cifar100 is that of NAS-Bench-201, on ninapro that of NAS-Bench-360 (seed 777); that on darcy "
        "is no percentage",
        "the Pixel has no energy and no variance of the latency",
    ),
)
