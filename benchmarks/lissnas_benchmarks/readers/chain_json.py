"""The JSON files of NAS-Bench-Macro and Channel-Bench-Macro: for each architecture its runs, their mean, its costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.space import Floats, Space
from msgspec import Meta

from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError

_RUNS = 3

Accuracies = Annotated[list[Annotated[float, Meta(ge=0, le=100)]], Meta(min_length=_RUNS, max_length=_RUNS)]
"""The accuracies of the three runs, in %."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""A number of parameters or operations."""


@dataclass(frozen=True)
class TrainedChain:
    """One trained architecture: test accuracies in %, their mean as the file states it, parameters and operations."""

    accuracies: list[float]
    mean: float
    parameters: int
    operations: int


def chain_columns(
    space: Space, networks: Mapping[str, TrainedChain], operations: str, name: str, remedy: str
) -> Mapping[Column, Floats]:
    """Return the columns of all architectures of a space; the runs become the seeds 0, 1 and 2.

    Parameters
    ----------
    space
        The space; the file must list all of it.
    networks
        The trained architectures by their official strings.
    operations
        What the file counts: "flops" or "macs".
    name, remedy
        The file's name, and what to do about a wrong file, in error messages.

    Raises
    ------
    BenchmarkFileError
        If architectures are missing or of another space, or accuracies contradict their mean.
    """
    try:
        index = space.index(space.read(list(networks)))
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{name}: not in the official layout ({error}); {remedy}") from error
    if len(index) != space.size:
        raise BenchmarkFileError(f"{name}: {len(index)} architectures instead of {space.size}; {remedy}")
    for string, network in networks.items():
        if not abs(sum(network.accuracies) / _RUNS - network.mean) < 1e-3:
            raise BenchmarkFileError(f"{name}: the accuracies of {string} contradict their mean; {remedy}")

    def placed(values: Iterable[float]) -> Floats:
        column = np.empty(space.size)
        column[index] = list(values)
        return column

    trained = networks.values()
    columns = {
        Column("accuracy", "cifar10", "test", "%", seed=run): placed(n.accuracies[run] for n in trained)
        for run in range(_RUNS)
    }
    columns[Column("parameters", "cifar10", "", "M", quality=False)] = placed(n.parameters / 1e6 for n in trained)
    columns[Column(operations, "cifar10", "", "M", quality=False)] = placed(n.operations / 1e6 for n in trained)
    return columns
