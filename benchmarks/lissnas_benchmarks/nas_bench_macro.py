"""NAS-Bench-Macro: CIFAR-10 accuracy of every chain of 8 layers with 3 choices each, trained three times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.space import Floats
from lissnas.spaces.macro import macro
from msgspec import Meta

from lissnas_benchmarks.benchmark import Benchmark, Import, OfficialFile
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.strict_json import read_json
from lissnas_benchmarks.table import Column, Measure

_FILE = "nas-bench-macro_cifar10.json"
_RUNS = 3


@dataclass(frozen=True)
class _Network:
    """One entry of the official file."""

    test_acc: Annotated[list[Annotated[float, Meta(ge=0, le=100)]], Meta(min_length=_RUNS, max_length=_RUNS)]
    mean_acc: float
    params: Annotated[int, Meta(ge=0, le=2**53)]
    flops: Annotated[int, Meta(ge=0, le=2**53)]


def _read(source: Import) -> Mapping[Column, Floats]:
    space = macro()
    networks = read_json(source.files[0].read_bytes(), dict[str, _Network], _FILE, _OBTAIN)
    try:
        index = space.index(space.read(list(networks)))
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{_FILE}: not in the official layout ({error}); {_OBTAIN}") from error
    if len(index) != space.size:
        raise BenchmarkFileError(f"{_FILE}: {len(index)} networks instead of {space.size}; {_OBTAIN}")
    for name, network in networks.items():
        if not abs(sum(network.test_acc) / _RUNS - network.mean_acc) < 1e-3:
            raise BenchmarkFileError(f"{_FILE}: the accuracies of {name} do not agree with their mean; {_OBTAIN}")

    def placed(values: Iterable[float]) -> Floats:
        column = np.empty(space.size)
        column[index] = list(values)
        return column

    columns = {
        Column("accuracy", "cifar10", "test", "%", seed=run): placed(n.test_acc[run] for n in networks.values())
        for run in range(_RUNS)
    }
    columns[Column("parameters", "cifar10", "", "M", quality=False)] = placed(n.params / 1e6 for n in networks.values())
    columns[Column("flops", "cifar10", "", "M", quality=False)] = placed(n.flops / 1e6 for n in networks.values())
    return columns


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
