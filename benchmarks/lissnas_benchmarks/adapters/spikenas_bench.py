"""SpikeNAS-Bench: the cells of NAS-Bench-201 as spiking networks with three thresholds, trained on three image sets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lissnas.spaces.cell import CellSpace
from lissnas.spaces.published.cell201 import EDGES
from lissnas.spaces.space import Floats, Rows

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError

OPERATIONS = ("none", "skip_connect", "lif_conv_3x3_0.5", "lif_conv_3x3_1.0", "lif_conv_3x3_1.5")
"""The operations in the order of the authors' numbers; the name of a convolution ends in its threshold."""

_GENES = [0, 1, 3, 2, 4, 5]
"""The gene of each digit of an id, the least significant digit first: the edges by their source."""

_DATASETS = {"CIFAR10": "cifar10", "CIFAR100": "cifar100", "TinyImagenet": "tiny-imagenet"}
"""The data sets by the names of their folders."""

_MAX_BYTES = 1 << 16
"""Maximum size of a file of one architecture."""

_FOLDER = "SpikeNAS-Bench"

_OBTAIN = (
    "download https://github.com/tju-sun-lab/SpikeNAS-Bench as a ZIP archive or clone it, then run 'lissnas data "
    "import spikenas-bench PATH'"
)


def spikenas_cells() -> CellSpace:
    """Return the 5^6 = 15,625 cells; the genes are the edges in the order of NAS-Bench-201's official string."""
    pattern = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
    return CellSpace("spikenas", (OPERATIONS,) * len(EDGES), pattern, EDGES, skip=1)


def rows_of_ids(ids: np.ndarray) -> Rows:
    """Return the row of each of the authors' ids, uint8 of shape (n, 6)."""
    rows = np.empty((len(ids), len(EDGES)), dtype=np.uint8)
    rows[:, _GENES] = np.asarray(ids)[:, None] // 5 ** np.arange(len(EDGES)) % 5
    return rows


@dataclass(frozen=True)
class Training:
    """One trained architecture: its id, and its numbers by the metric and the split."""

    id: int
    numbers: dict[tuple[str, str], float]


_NUMBER = r"\s*:\s*(\d+(?:\.\d+)?)"

_LINE = re.compile(r"\s*\d+\s*,.*")


def read_training(text: str) -> Training:
    """Return the training that a file `train_process.txt` describes; raises ValueError if it is another text."""
    numbers = {("parameters", ""): _found("model parameters", text) / 1e6}
    numbers["accuracy", "test"] = _found(r"test (?:accuracy|top1)", text)
    header = next((line for line in text.splitlines() if "epoch" in line.lower() and "," in line), "")
    names = [name.strip().lower() for name in header.split(",")]
    epochs = [line for line in text.splitlines() if _LINE.fullmatch(line)]
    if not epochs:
        raise ValueError("it has no line of an epoch")
    last = [float(part) for part in epochs[-1].split(",")]
    numbers["epochs", ""] = last[0] + 1
    for split, word in (("train", "train"), ("validation", "val")):
        place = next((at for at, name in enumerate(names) if word in name and ("acc" in name or "top1" in name)), -1)
        if not 0 < place < len(last):
            raise ValueError(f"its header has no accuracy on the {split} split")
        numbers["accuracy", split] = last[place]
    if elapsed := re.search(r"Elapsed time\s*:\s*(\d+)\s*hour\s*(\d+)\s*minute\s*(\d+(?:\.\d+)?)\s*second", text):
        hours, minutes, seconds = map(float, elapsed.groups())
        numbers["training-time", ""] = 3600 * hours + 60 * minutes + seconds
    accuracies = [value for (metric, _), value in numbers.items() if metric == "accuracy"]
    if not all(0 <= value <= 100 for value in accuracies):
        raise ValueError("an accuracy that is no percentage")
    number = _found("architecture id", text)
    if not 0 <= number < 5 ** len(EDGES) or number % 1:
        raise ValueError(f"the id {number:g}")
    return Training(int(number), numbers)


def _found(name: str, text: str) -> float:
    match = re.search(name + _NUMBER, text)
    if match is None:
        raise ValueError(f"it has no '{name}'")
    return float(match.group(1))


_UNITS = {"accuracy": "%", "parameters": "M", "training-time": "s", "epochs": ""}


def read_folder(source: Import) -> dict[Column, Floats]:
    """Return the columns of the trainings in a folder, NaN where there is none; those of other ids are left out."""
    space, folder = spikenas_cells(), source.files[0]
    files = sorted(path for path in folder.rglob("train_process.txt") if path.parent.parent.name in _DATASETS)
    columns: dict[Column, Floats] = {}
    misplaced = []
    for number, path in enumerate(files):
        training = _read_file(path)
        if path.parent.name != str(training.id):
            misplaced.append(f"{path.parent.parent.name}/{path.parent.name}")
            continue
        dataset = _DATASETS[path.parent.parent.name]
        [place] = space.index(rows_of_ids(np.array([training.id])))
        for (metric, split), value in training.numbers.items():
            column = Column(metric, dataset, split, _UNITS[metric], quality=metric == "accuracy")
            columns.setdefault(column, np.full(space.size, np.nan))[place] = value
        source.progress((number + 1) / len(files))
    if misplaced:
        source.note(f"left out, because the file is of another id than its folder: {', '.join(misplaced[:5])}")
    return columns


def _read_file(path: Path) -> Training:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES:,} bytes")
        return read_training(data.decode())
    except (OSError, ValueError) as error:
        place = "/".join(path.parts[-3:])
        raise BenchmarkFileError(f"{place}: not in the authors' layout ({error}); {_OBTAIN}") from error


def _read(source: Import) -> Mapping[Column, Floats]:
    columns = read_folder(source)
    for dataset in _DATASETS.values():
        accuracy = columns.get(Column("accuracy", dataset, "test", "%"))
        trained = 0 if accuracy is None else int(np.isfinite(accuracy).sum())
        if dataset == "cifar10" and trained < spikenas_cells().size:
            raise BenchmarkFileError(f"{_FOLDER}: {trained:,} of {spikenas_cells().size:,} cells on cifar10; {_OBTAIN}")
        source.note(f"{trained:,} cells were trained on {dataset}")
    return columns


ADAPTER = TableAdapter(
    name="spikenas-bench",
    title="CIFAR-10 accuracy of 15,625 spiking cells; of some also CIFAR-100 and Tiny ImageNet",
    page="https://github.com/tju-sun-lab/SpikeNAS-Bench",
    license="none stated",
    paper="SpikeNAS-Bench, https://github.com/tju-sun-lab/SpikeNAS-Bench",
    space=spikenas_cells,
    files=(OfficialFile(_FOLDER),),
    signs=(("train_process.txt", "architecture id", "model parameters"),),
    read=_read,
    selects=Measure("accuracy", "validation"),
    reports=Measure("accuracy", "test"),
    obtain=_OBTAIN,
    caveats=(
        "the cells are those of NAS-Bench-201, but the operations are spiking convolutions with three thresholds",
        "cifar10: all 15,625 cells; 690 of them were trained for 200 epochs, all others for 100 (column 'epochs')",
        "cifar100 and tiny-imagenet: about 280 cells each; all others are NaN",
        "cifar10: validation is half of the training data; 341 cells are at chance",
        "isomorphic cells were trained separately, each with its id as the seed",
    ),
)
