"""AnalogNAS-Bench: the cells of NAS-Bench-201 retrained, then quantized, made noisy, and run on analog hardware."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS, cell201
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pickle_allowlist import short_text
from lissnas_benchmarks.readers.pickles.safe_pickle import Record, load_pickle

_FILE = "analognasbench/data.anb"

_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""The operations of the digits in the package's keys, in NASLib's coding.

No document states the coding; we found it by correlation with the accuracies of NAS-Bench-201.
"""

_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""The edge of each digit in a key."""

_RECORDS = frozenset({("analognasbench.data", "Architecture"), ("analognasbench.data", "DriftMeasurement")})

_ACCURACIES = {
    "accuracy": "baseline_accuracy",
    "ptq-accuracy": "ptq_accuracy",
    "qat-accuracy": "qat_accuracy",
    "noisy-accuracy": "noisy_accuracy",
    "analog-accuracy": "analog_accuracy",
}

_DRIFTS = {
    f"{kind}-drift-{seconds}s": f"{kind}_drift_{seconds}"
    for kind in ("baseline", "analog")
    for seconds in (60, 3600, 86400, 2592000)
}

_CORRUPT = ("analog-drift-60s", (0, 0, 0, 0, 0, 0))
"""A measurement that is wrong at the source and becomes NaN.

It is 87.5 %, but the same cell has 57.5 % without drift and 53.8 % after an hour.
"""


def _read(source: Import) -> Mapping[Column, Floats]:
    space = cell201()
    cells = load_pickle(source.files[0].read_bytes(), _FILE, _RECORDS)
    if type(cells) is not dict or len(cells) != space.size:
        count = f"{len(cells)} cells" if type(cells) is dict else short_text(cells)
        raise BenchmarkFileError(f"{_FILE}: {count} instead of {space.size} cells")
    digits = np.array([_checked_digits(key) for key in cells], dtype=np.uint8)
    gene_of_digit = np.array([OPERATIONS.index(operation) for operation in _OPERATIONS], dtype=np.uint8)
    try:
        index = space.index(gene_of_digit[digits][:, [_EDGES.index(edge) for edge in EDGES]])
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{_FILE}: {error}") from error

    columns: dict[Column, Floats] = {}

    def add(metric: str, values: list[float], quality: bool = True) -> None:
        column = np.full(space.size, np.nan)
        column[index] = values
        columns[Column(metric, "cifar10", "test", "%", quality=quality)] = column

    for metric, attribute in _ACCURACIES.items():
        add(metric, [_number(cell, attribute) for cell in cells.values()])
    for metric, attribute in _DRIFTS.items():
        drifts = {key: getattr(cell, attribute, None) for key, cell in cells.items()}
        for name, part in ((metric, "value"), (f"{metric}-uncertainty", "uncertainty")):
            values = [np.nan if (metric, key) == _CORRUPT else _number(drift, part) for key, drift in drifts.items()]
            add(name, values, quality=part == "value")
    return columns


def _checked_digits(key: Any) -> tuple[int, ...]:
    """Return a cell's key if it has the number of an operation for each edge; raises BenchmarkFileError otherwise."""
    if type(key) is not tuple or [type(digit) for digit in key] != [int] * len(_EDGES):
        raise BenchmarkFileError(f"{_FILE}: {short_text(key)} is not a cell")
    if not all(0 <= digit < len(_OPERATIONS) for digit in key):
        raise BenchmarkFileError(f"{_FILE}: {key} has an unknown operation")
    return key


def _number(record: Any, attribute: str) -> float:
    value: Any = getattr(record, attribute, None) if type(record) is Record else None
    if type(value) not in (int, float):
        raise BenchmarkFileError(f"{_FILE}: a cell's {attribute} is {short_text(value)}, not a number")
    return float(value)


_BIBTEX = """\
@misc{analognasbench2025,
  title         = {{AnalogNAS-Bench}: A {NAS} Benchmark for Analog In-Memory Computing},
  year          = {2025},
  eprint        = {2506.18495},
  archivePrefix = {arXiv},
}
"""

ADAPTER = TableAdapter(
    name="analog-nasbench",
    title="CIFAR-10 accuracy of all 15,625 NAS-Bench-201 cells: plain, quantized, noisy, on analog hardware",
    page="https://arxiv.org/abs/2506.18495",
    license="none stated",
    paper="AnalogNAS-Bench: A NAS Benchmark for Analog In-Memory Computing, arXiv:2506.18495, 2025",
    bibtex=_BIBTEX,
    space=cell201,
    files=(OfficialFile("data.anb", "85f3435b877aa2d36268d55ce07f6ff6d73643d17a840f1941745da5eb80db32"),),
    read=_read,
    selects=Measure("accuracy", "test"),
    reports=Measure("accuracy", "test"),
    package=("analognasbench", "analog-nasbench==0.1.3"),
    caveats=(
        "one training run and one split: architectures are selected and reported by the same accuracies",
        "architecture |skip_connect~0|+...: analog drift at 60 s is corrupt at the source and missing here",
    ),
)
