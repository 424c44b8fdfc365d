"""HW-NAS-Bench: latency and energy of the NAS-Bench-201 cells and of the FBNet space's blocks on six devices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.readers.pickles.safe_pickle import NumberArray, load_pickle

_FILE = "HW-NAS-Bench-v1_0.pickle"

_METRICS = {
    "edgegpu_latency": ("edgegpu-latency", "ms"),
    "edgegpu_energy": ("edgegpu-energy", "mJ"),
    "raspi4_latency": ("raspi4-latency", "ms"),
    "edgetpu_latency": ("edgetpu-latency", "ms"),
    "pixel3_latency": ("pixel3-latency", "ms"),
    "eyeriss_latency": ("eyeriss-latency", "ms"),
    "eyeriss_energy": ("eyeriss-energy", "mJ"),
    "eyeriss_arithmetic_intensity": ("eyeriss-arithmetic-intensity", ""),
    "fpga_latency": ("fpga-latency", "ms"),
    "fpga_energy": ("fpga-energy", "mJ"),
}
"""Our metric and unit for each key of the file; no source states the unit of the arithmetic intensity."""

_UNSUPPORTED = -1
"""The file's value for a device that cannot run an architecture, because an EdgeTPU lacks an operation."""

_DATASETS = ("cifar10", "cifar100", "ImageNet16-120")

_OBTAIN = (
    f"download {_FILE} from https://github.com/GATECH-EIC/HW-NAS-Bench (in the root of the repository), "
    f"then run 'lissnas data import hw-nas-bench {_FILE}'"
)


def _read(source: Import) -> Mapping[Column, Floats]:
    space = cell201()
    spaces = _load(source.files[0])
    columns: dict[Column, Floats] = {}
    for dataset in _DATASETS:
        measured = _part(_part(spaces, "nasbench201"), dataset)
        index = _indices(_part(measured, "config"), dataset)
        for key, (metric, unit) in _METRICS.items():
            if key not in measured:
                raise _other_layout(f"{dataset} has no {key}")
            values = _numbers(measured[key], f"{key} of {dataset}")
            if values.shape != (space.size,):
                raise _other_layout(f"{key} of {dataset} has {values.size} values instead of {space.size}")
            column = np.empty(space.size)
            column[index] = np.where(values == _UNSUPPORTED, np.nan, values)
            if not (np.isnan(column) | ((column >= 0) & np.isfinite(column))).all() or np.isnan(values).any():
                raise _other_layout(f"{key} of {dataset} has a value that is not a measurement")
            columns[Column(metric, dataset, "", unit, quality=False)] = column
    return columns


def _indices(configurations: Any, dataset: str) -> NDArray[np.int64]:
    """Return the index in the space of each row of the file, from the row's official string."""
    space = cell201()
    if isinstance(configurations, dict):
        configurations = list(configurations.values())
    try:
        strings = [configuration["arch_str"] for configuration in configurations]
        if not all(type(string) is str for string in strings):
            raise TypeError("some are not strings")
        index = space.index(space.read(strings))
    except (ArchitectureError, KeyError, TypeError) as error:
        raise _other_layout(f"the architectures of {dataset} cannot be read ({error})") from error
    if len(index) != space.size or len(np.unique(index)) != space.size:
        raise _other_layout(f"{dataset} has {len(np.unique(index))} different cells instead of {space.size}")
    return index


# The FBNet space

FBNET_OPERATIONS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
"""The choices of each layer, by the benchmark's names: kernel, expansion, groups."""

FBNET_LAYERS = 22

_STAGES = ((1, 16), (4, 24), (4, 32), (4, 64), (4, 112), (4, 184), (1, 352))
"""The number of layers and of channels of each stage."""

_STEM = 16

_NETWORKS = {
    "cifar100": (32, 1, (1, 1, 2, 2, 1, 2, 1), 1504, 100),
    "ImageNet": (224, 2, (1, 2, 2, 2, 1, 2, 1), 1984, 1000),
}
"""For each data set: image size, stride of the stem, strides of the stages, channels of the head, classes."""

_FBNET_METRICS = tuple(key for key in _METRICS if key not in ("edgetpu_latency", "eyeriss_arithmetic_intensity"))


def read_fbnet(path: Path) -> dict[str, dict[str, float]]:
    """Return the costs of FBNet's blocks: metric (as in the table's columns) -> block -> cost in ms or mJ.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    BenchmarkFileError
        If the file is damaged.
    """
    tables = _part(_load(path), "fbnet")
    costs: dict[str, dict[str, float]] = {}
    for key in _FBNET_METRICS:
        blocks = _part(tables, key)
        if not isinstance(blocks, dict) or not all(isinstance(block, str) for block in blocks):
            raise _other_layout(f"fbnet's {key} is not a table of blocks")
        values = _numbers(list(blocks.values()), f"fbnet's {key}")
        costs[_METRICS[key][0]] = dict(zip(blocks, values.tolist(), strict=True))
    return costs


def fbnet_cost(rows: NDArray[np.uint8], costs: Mapping[str, float], dataset: str) -> Floats:
    """Return the costs of FBNet architectures: the sum over the blocks of the stem, the 22 layers and the head.

    Parameters
    ----------
    rows
        uint8 of shape (n, 22): the operation of each layer, an index of FBNET_OPERATIONS.
    costs
        The costs of the blocks in one metric, from `read_fbnet`.
    dataset
        "cifar100" or "ImageNet"; their strides and sizes differ.

    Returns
    -------
    costs
        float64 of shape (n,), in the metric's unit.

    Raises
    ------
    SettingError
        If the rows have another shape, type or operation.
    UnknownNameError
        If there is no such data set.
    BenchmarkFileError
        If the table lacks a block.

    Examples
    --------
    >>> costs = read_fbnet(Path("HW-NAS-Bench-v1_0.pickle"))["edgegpu-latency"]  # doctest: +SKIP
    >>> fbnet_cost(np.zeros((1, 22), dtype=np.uint8), costs, "ImageNet")  # doctest: +SKIP
    """
    rows = np.asarray(rows)
    if dataset not in _NETWORKS:
        raise UnknownNameError("data set", dataset, _NETWORKS)
    if rows.ndim != 2 or rows.shape[1] != FBNET_LAYERS or rows.dtype != np.uint8:
        raise SettingError(f"FBNet takes uint8 rows of shape (n, {FBNET_LAYERS}), not {rows.dtype} of {rows.shape}")
    if rows.size and rows.max() >= len(FBNET_OPERATIONS):
        raise SettingError(f"FBNet has the operations 0 to {len(FBNET_OPERATIONS) - 1}, not {rows.max()}")
    fixed, layers = _fbnet_blocks(dataset)
    try:
        table = np.array([[costs[block] for block in blocks] for blocks in layers])
        constant = sum(costs[block] for block in fixed)
    except KeyError as error:
        raise _other_layout(f"it has no cost of the block {error}") from error
    return constant + table[np.arange(FBNET_LAYERS), rows].sum(axis=1)


def _fbnet_blocks(dataset: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the blocks that every architecture has, and of the choices of each layer."""
    size, stride, strides, head, classes = _NETWORKS[dataset]
    fixed = [f"ConvNorm_H{size}_W{size}_Cin3_Cout{_STEM}_kernel3_stride{stride}_group1"]
    size //= stride
    layers, channels = [], _STEM
    for (count, out), first in zip(_STAGES, strides, strict=True):
        for stride in (first, *(1,) * (count - 1)):
            layers.append([_block(operation, size, channels, out, stride) for operation in FBNET_OPERATIONS])
            size, channels = size // stride, out
    fixed.append(f"ConvNorm_H{size}_W{size}_Cin{channels}_Cout{head}_kernel1_stride1_group1")
    fixed.append(f"AvgP_H{size}_W{size}_Cin{head}_Cout{head}_kernel{size}_stride1")
    fixed.append(f"FC_Cin{head}_Cout{classes}")
    return fixed, layers


def _block(operation: str, size: int, channels: int, out: int, stride: int) -> str:
    """Return the name of a layer's block."""
    shape = f"H{size}_W{size}_Cin{channels}_Cout{out}"
    if operation == "skip":
        return f"Skip_{shape}_stride{stride}"
    kernel, expansion, groups = (*(part[1:] for part in operation.split("_")), "1")[:3]
    return f"ConvBlock_{shape}_exp{expansion}_kernel{kernel}_stride{stride}_group{groups}"


# The file


def _load(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror}); {_OBTAIN}") from error
    try:
        return load_pickle(data, _FILE, arrays=True)
    except BenchmarkFileError as error:
        raise BenchmarkFileError(f"{error}; {_OBTAIN}") from error


def _part(parts: Any, name: str) -> Any:
    """Return a part of the file by its name; raises BenchmarkFileError if it is missing."""
    if not isinstance(parts, dict) or name not in parts:
        raise _other_layout(f"it has no part '{name}'")
    return parts[name]


def _numbers(values: Any, name: str) -> Floats:
    """Return a list or array of numbers in the file as float64."""
    if isinstance(values, NumberArray) and values.values.dtype.kind in "fiu":
        return values.values.astype(np.float64)
    if isinstance(values, list | tuple) and all(type(value) in (int, float) for value in values):
        return np.array(values, dtype=np.float64)
    raise _other_layout(f"{name} has a value that is not a number")


def _other_layout(why: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{_FILE}: not in the official layout ({why}); {_OBTAIN}")


_BIBTEX = """\
@inproceedings{li2021hwnasbench,
  title         = {{HW-NAS-Bench}: Hardware-Aware Neural Architecture Search Benchmark},
  author        = {Li, Chaojian and Yu, Zhongzhi and Fu, Yonggan and Zhang, Yongan and Zhao, Yang and You,
    Haoran and Yu, Qixuan and Wang, Yue and Hao, Cong and Lin, Yingyan},
  booktitle     = {International Conference on Learning Representations (ICLR)},
  year          = {2021},
  url           = {https://openreview.net/forum?id=_0kaDkv3dVf},
  eprint        = {2103.10584},
  archivePrefix = {arXiv},
}
"""

ADAPTER = TableAdapter(
    name="hw-nas-bench",
    title="latency and energy of all 15,625 NAS-Bench-201 cells on six devices, for three data sets",
    page="https://github.com/GATECH-EIC/HW-NAS-Bench",
    license="MIT",
    paper="Li et al., HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark, ICLR 2021",
    bibtex=_BIBTEX,
    space=cell201,
    files=(OfficialFile(_FILE, url=in_repository("GATECH-EIC/HW-NAS-Bench", _FILE)),),
    read=_read,
    signs=(("edgegpu_latency", "fbnet"),),
    selects=Measure("edgegpu-latency", ""),
    reports=Measure("edgegpu-latency", ""),
    obtain=_OBTAIN,
    caveats=(
        "costs only, no accuracy: join them by the index with another benchmark of the same cells",
        "an EdgeTPU cannot run every cell; its values for the others are missing",
        "the paper says that some devices were measured and others estimated",
    ),
)
