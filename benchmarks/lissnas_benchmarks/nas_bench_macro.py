"""NAS-Bench-Macro: CIFAR-10 accuracy of every chain of 8 layers with 3 choices each, trained three times."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.space import Floats
from lissnas.spaces.macro import macro

from lissnas_benchmarks.benchmark import Benchmark, OfficialFile
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.table import Column, Measure

_FILE = "nas-bench-macro_cifar10.json"
_RUNS = 3


def _read(files: tuple[bytes, ...]) -> Mapping[Column, Floats]:
    try:
        networks = json.loads(files[0], object_pairs_hook=_without_repeats)
        space = macro()
        index = space.index(space.read(list(networks)))
        accuracies = np.array([network["test_acc"] for network in networks.values()], dtype=np.float64)
        means = np.array([network["mean_acc"] for network in networks.values()], dtype=np.float64)
        parameters = np.array([network["params"] for network in networks.values()], dtype=np.float64)
        operations = np.array([network["flops"] for network in networks.values()], dtype=np.float64)
    except (ValueError, TypeError, KeyError, AttributeError, ArchitectureError) as error:
        raise BenchmarkFileError(f"{_FILE}: not in the official layout ({error}); {_OBTAIN}") from error
    if len(index) != space.size or accuracies.shape != (space.size, _RUNS):
        raise BenchmarkFileError(f"{_FILE}: {len(index)} networks instead of {space.size}; {_OBTAIN}")
    inconsistent = ~(np.abs(accuracies.mean(axis=1) - means) < 1e-3) | ~((accuracies >= 0) & (accuracies <= 100)).all(
        axis=1
    )
    if inconsistent.any():
        first = list(networks)[int(inconsistent.argmax())]
        raise BenchmarkFileError(f"{_FILE}: the accuracies of network {first} do not agree with their mean; {_OBTAIN}")

    def placed(values: Floats) -> Floats:
        column = np.empty(space.size)
        column[index] = values
        return column

    columns = {Column("accuracy", "cifar10", "test", "%", seed=run): placed(accuracies[:, run]) for run in range(_RUNS)}
    columns[Column("parameters", "cifar10", "", "M", quality=False)] = placed(parameters / 1e6)
    columns[Column("flops", "cifar10", "", "M", quality=False)] = placed(operations / 1e6)
    return columns


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


_OBTAIN = (
    f"download {_FILE} from https://github.com/xiusu/NAS-Bench-Macro (folder data), "
    f"then run 'lissnas data import nas-bench-macro {_FILE}'"
)

BENCHMARK = Benchmark(
    name="nas-bench-macro",
    title="CIFAR-10 accuracy of all 6,561 chains of 8 layers, three seeds, with parameters and FLOPs",
    page="https://github.com/xiusu/NAS-Bench-Macro",
    licence="Apache-2.0",
    paper="Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021",
    space=macro,
    files=(OfficialFile(_FILE),),
    read=_read,
    selects=Measure("accuracy", "test", seeds=(0,)),
    reports=Measure("accuracy", "test", seeds=(1, 2)),
    obtain=_OBTAIN,
    caveats=("only test accuracies are published: select by the first run, report the mean of the other two",),
)
