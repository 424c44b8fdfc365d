"""The trainings behind NAS-Bench-301: about 60,000 DARTS architectures on CIFAR-10, measured and not predicted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.bridges.dialects import read_architectures
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.darts import CELLS, NODES, darts
from lissnas.spaces.space import Floats, Indices

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.adapters.nas_bench_301 import ADAPTER as SURROGATE
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream

_FILE = "nasbench301.pkl"

_URL = f"https://huggingface.co/datasets/ThunderStruct/NASBench/resolve/main/{_FILE}"

_NASLIB_FILE = "nb301_full_training.pickle"

_DARTS = "NetworkSelectorDatasetInfo:darts:"

_OBTAIN = f"download {_FILE} from {_URL}, then run 'lissnas data import {_FILE}'"

_COLUMNS = {
    "validation": Column("accuracy", "cifar10", "validation", "%"),
    "test": Column("accuracy", "cifar10", "test", "%"),
    "time": Column("training-time", "cifar10", "", "s", quality=False),
}


class Trainings:
    """The trainings in a file: the edges of each architecture, its budget, and its numbers in the order of _COLUMNS."""

    def __init__(self) -> None:
        self.edges: list[list[int]] = []
        self.budgets: list[float] = []
        self.numbers: list[list[float]] = []

    def add(self, record: dict[Any, Any]) -> None:
        """Add a record of one training; raises RefusedError if it has another form."""
        try:
            config = record["optimized_hyperparamater_config"]
            self.edges.append(_edges(config))
            self.budgets.append(float(record["budget"]))
            info = record["info"][0]
            accuracy = info.get("val_accuracy_final", info.get("val_accuracy"))
            self.numbers.append([float(accuracy), float(record["test_accuracy"]), float(record["runtime"])])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise RefusedError(f"a training has another form: {error!r}"[:200]) from error


def _edges(config: dict[str, Any]) -> list[int]:
    """Return input and operation of each edge, flat, in the order of the cells, nodes and inputs."""
    operations, edges = darts().operations, []
    for cell in CELLS:
        for node in range(NODES):
            inputs = (0, 1)
            if node:
                one, other = str(config[f"{_DARTS}inputs_node_{cell}_{node + 2}"]).split("_")
                inputs = int(one), int(other)
            for source in inputs:
                name = config[f"{_DARTS}edge_{cell}_{sum(range(2, node + 2)) + source}"]
                edges += [source, operations.index(str(name))]
    return edges


def read_trainings(path: Path, progress: Any = lambda share: None) -> Trainings:
    """Return the trainings in NASBenchAPI's pickle; raises BenchmarkFileError if it is damaged."""
    trainings, size = Trainings(), max(1, path.stat().st_size)
    with path.open("rb") as file:
        stream = PickleStream(
            file,
            path.name,
            "optimized_hyperparamater_config",
            trainings.add,
            FloatDictReader(0),
            lambda count: progress(min(1.0, count / size)),
        )
        stream.load()
        stream.check_ended()
    return trainings


def columns_of(trainings: Trainings, source: Import) -> tuple[Indices, dict[Column, Floats]]:
    """Return the indices of the architectures, ascending, and the columns: means over trainings of the usual budget."""
    if not trainings.edges:
        raise BenchmarkFileError(f"{_FILE}: it has no trainings; {_OBTAIN}")
    space = darts()
    edges = np.array(trainings.edges, dtype=np.int64).reshape(len(trainings.edges), len(CELLS) * NODES, 2, 2)
    numbers, budgets = np.array(trainings.numbers), np.array(trainings.budgets)
    try:
        index = space.index(space.rows_of_edges(edges, lambda row: f"training {row}"))
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{_FILE}: {error}; {_OBTAIN}") from error
    usual = Counter(trainings.budgets).most_common(1)[0][0]
    of_usual = budgets == usual
    if not of_usual.all():
        source.note(f"left out: {(~of_usual).sum():,} trainings of another budget than {usual:g} epochs")
    found, place = np.unique(index[of_usual], return_inverse=True)
    counts = np.bincount(place)
    if (counts > 1).any():
        source.note(f"{(counts > 1).sum():,} architectures were trained several times: the table has their means")
    columns = {}
    for at, (split, column) in enumerate(_COLUMNS.items()):
        values = np.bincount(place, numbers[of_usual, at]) / counts
        if not np.isfinite(values).all() or (split != "time" and not ((values >= 0) & (values <= 100)).all()):
            raise BenchmarkFileError(f"{_FILE}: an impossible value of {column.name}; {_OBTAIN}")
        columns[column] = values
    return found, columns


_CURVE = "val_accuracies"


def read_naslib(path: Path, progress: Any = lambda share: None) -> tuple[Indices, dict[Column, Floats]]:
    """Return the indices and the columns of NASLib's pickle: {cells: {"val_accuracies", "runtime", ...}}.

    Raises BenchmarkFileError if it is damaged or in another layout.
    """
    size = max(1, path.stat().st_size)

    def finish(record: dict[Any, Any]) -> tuple[float, float]:
        accuracies, runtimes = record[_CURVE], record["runtime"]
        runtime = runtimes[-1] if type(runtimes) is list else runtimes
        if type(accuracies) is not list or type(accuracies[-1]) is not float or type(runtime) not in (int, float):
            raise RefusedError("a training without accuracies and a run time")
        return accuracies[-1], float(runtime)

    with path.open("rb") as file:
        stream = PickleStream(
            file, path.name, _CURVE, finish, FloatDictReader(0), lambda count: progress(min(1.0, count / size))
        )
        value = stream.load()
        stream.check_ended()
    try:
        index = darts().index(read_architectures([str(key) for key in value], "naslib-301", darts()))
        numbers = np.array(list(value.values()), dtype=np.float64).reshape(len(index), 2)
    except (ArchitectureError, TypeError, ValueError, AttributeError) as error:
        raise BenchmarkFileError(f"{path.name}: not in NASLib's layout ({str(error)[:300]})") from error
    order = np.argsort(index, kind="stable")
    accuracies = numbers[order, 0]
    if len(np.unique(index)) != len(index) or not ((accuracies >= 0) & (accuracies <= 100)).all():
        raise BenchmarkFileError(f"{path.name}: an architecture occurs twice, or an accuracy is no percentage")
    return index[order], {_COLUMNS["validation"]: accuracies, _COLUMNS["time"]: numbers[order, 1]}


def _read(source: Import) -> Mapping[Column, Floats]:
    return columns_of(read_trainings(source.files[0], source.progress), source)[1]


def _index(source: Import) -> Indices:
    return columns_of(read_trainings(source.files[0]), Import(source.files, source.folder))[0]


ADAPTER = TableAdapter(
    name="nas-bench-301-trained",
    title="CIFAR-10 accuracy and training time of about 57,000 trained DARTS cells, in NASBenchAPI's file",
    page="https://github.com/automl/nasbench301",
    license="none stated (data)",
    paper=SURROGATE.paper,
    bibtex=SURROGATE.bibtex,
    space=darts,
    files=(OfficialFile(_FILE, url=_URL),),
    signs=(("optimized_hyperparamater_config", "created_by_optimizer"), ("optimized_hyperparamater_config", "parsed")),
    read=_read,
    index=_index,
    selects=Measure("accuracy", "validation"),
    reports=Measure("accuracy", "test"),
    obtain=_OBTAIN,
    caveats=(
        "a sample of the space: what optimizers proposed, so that good architectures are more frequent",
        "architectures that were trained several times have the mean of their trainings",
    ),
)

NASLIB = replace(
    ADAPTER,
    name="naslib-301",
    title="CIFAR-10 validation accuracy and training time of trained DARTS cells, in NASLib's file",
    page="https://github.com/automl/NASLib",
    files=(OfficialFile(_NASLIB_FILE),),
    signs=((_CURVE, "train_losses", "runtime"),),
    read=lambda source: read_naslib(source.files[0], source.progress)[1],
    index=lambda source: read_naslib(source.files[0])[0],
    reports=Measure("accuracy", "validation"),
    obtain=f"download {_NASLIB_FILE} from the Google Drive folder that NASLib's README names, then run 'lissnas data "
    f"import {_NASLIB_FILE}'",
    caveats=(
        "a sample of the space: what optimizers proposed, so that good architectures are more frequent",
        "selected and reported by the same validation accuracies: the file has no test",
    ),
)
