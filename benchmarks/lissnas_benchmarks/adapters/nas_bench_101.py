"""NAS-Bench-101: CIFAR-10 accuracy of 423,624 cells, each trained three times for one budget of epochs or four."""

import binascii
from collections.abc import Mapping

import msgspec
import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.nasbench101 import NasBench101, nasbench101
from lissnas.spaces.space import Floats, Indices
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.model_metrics import FIELDS, PARAMETERS, read_metrics
from lissnas_benchmarks.readers.tfrecord import HEADER, frames

DOWNLOADS = "https://storage.googleapis.com/nasbench"
"""The folder in which the authors publish their files."""

REPEATS = 3

_SPLITS = ("train", "validation", "test")

_KEPT = [evaluation * len(FIELDS) + place for evaluation in (1, 2) for place in range(1, len(FIELDS))]
"""What is kept of each run: training time and accuracies, half way and at the end."""

_IS_TIME = np.array([FIELDS[column % len(FIELDS)] == "time" for column in _KEPT])

_RECORD = msgspec.json.Decoder(tuple[str, int, str, str, str])
"""Hash, epochs, adjacency matrix, operations, and ModelMetrics in base 64."""

_BIBTEX = """\
@inproceedings{ying2019nasbench101,
  title         = {{NAS-Bench-101}: Towards Reproducible Neural Architecture Search},
  author        = {Ying, Chris and Klein, Aaron and Christiansen, Eric and Real, Esteban and Murphy, Kevin and
    Hutter, Frank},
  booktitle     = {Proceedings of the 36th International Conference on Machine Learning (ICML)},
  year          = {2019},
  url           = {https://proceedings.mlr.press/v97/ying19a.html},
  eprint        = {1902.09635},
  archivePrefix = {arXiv},
}
"""


def describe(name: str, file: OfficialFile, budgets: tuple[int, ...], max_vertices: int = 7) -> TableAdapter:
    """Describe a file of the official format that holds all cells of at most so many vertices.

    Parameters
    ----------
    name
        What users call it.
    file
        The file.
    budgets
        For how many epochs each cell was trained, ascending.
    max_vertices
        How many vertices the largest cells have.
    """

    def space() -> NasBench101:
        return nasbench101(max_vertices)

    def read(source: Import) -> Mapping[Column, Floats]:
        try:
            return _Runs(file.name, space(), budgets).read(source)
        except BenchmarkFileError as error:
            raise BenchmarkFileError(f"{error}; {obtain}") from error

    where = file.url or "https://github.com/google-research/nasbench"
    obtain = f"download {file.name} from {where}, then run 'lissnas data import {name} {file.name}'"
    return TableAdapter(
        name=name,
        title="CIFAR-10 accuracy of all cells of at most "
        f"{max_vertices} vertices and 9 edges, three runs of {', '.join(map(str, budgets))} epochs, with training time",
        page="https://github.com/google-research/nasbench",
        license="Apache-2.0",
        paper="Ying et al., NAS-Bench-101: Towards Reproducible Neural Architecture Search, ICML 2019",
        bibtex=_BIBTEX,
        space=space,
        files=(file,),
        read=read,
        selects=Measure("accuracy", "validation", seeds=(0,), epochs=budgets[-1]),
        reports=Measure("accuracy", "test", epochs=budgets[-1]),
        obtain=obtain,
        caveats=(
            "seeds 0, 1 and 2 are the repeats in the order of the file: the authors publish no random seeds",
            "values after 54 epochs (2, 6, 18) are from half way through a run of 108 (4, 12, 36), "
            "whose learning rate falls over the whole of it",
            "two cells are the same if they are isomorphic once pruned; one edit adds or cuts off one vertex at most",
        ),
    )


class _Runs:
    """All runs of a file, as they are read.

    Attributes
    ----------
    values
        Shape (budgets, repeats, training time and accuracies half way and at the end, size); NaN until read.
    parameters
        Shape (size,); NaN until read.
    """

    def __init__(self, name: str, space: NasBench101, budgets: tuple[int, ...]) -> None:
        self.name = name
        self.space = space
        self.budgets = budgets
        self.values = np.full((len(budgets), REPEATS, len(_KEPT), space.size), np.nan)
        self.parameters = np.full(space.size, np.nan)
        self._runs = np.zeros(len(budgets) * space.size, dtype=np.int64)
        self._hashes: dict[str, str] = {}
        self._places: dict[str, int] = {}

    def read(self, source: Import) -> Mapping[Column, Floats]:
        """Return the columns; raises BenchmarkFileError if a run is missing, one too many, or contradicts another."""
        path = source.files[0]
        data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.empty(0, dtype=np.uint8)
        for starts, lengths in frames(data, self.name):
            self._add(data, starts, lengths)
            source.progress(float(starts[-1] + lengths[-1]) / len(data))
        self._check()
        return self._columns()

    def _add(self, data: NDArray[np.uint8], starts: Indices, lengths: Indices) -> None:
        """Take over the records that start there."""
        cells, hashes, budget, numbers = self._decode(data, starts, lengths)
        values, parameters = numbers[:, _KEPT], numbers[:, PARAMETERS]
        possible = np.isfinite(values) & (values >= 0) & ((values <= 1) | _IS_TIME)
        fine = possible.all(axis=1) & (parameters > 0)
        if not fine.all():
            raise self._wrong(starts[fine.argmin()], "a time, an accuracy or the parameters are missing or impossible")

        place = self._located(cells)
        unknown = np.isnan(self.parameters[place])
        self.parameters[place[unknown]] = parameters[unknown]
        hash_of_cell = [self._hashes.setdefault(cell, code) for cell, code in zip(cells, hashes, strict=True)]
        same_hash = np.array([code == first for code, first in zip(hashes, hash_of_cell, strict=True)])
        for what, same in (("hash", same_hash), ("number of parameters", self.parameters[place] == parameters)):
            if not same.all():
                first = int(same.argmin())
                raise self._wrong(starts[first], f"another {what} than an earlier record of the cell '{cells[first]}'")

        slot = budget * self.space.size + place
        repeat = self._runs[slot] + _times_before(slot)
        if repeat.max() >= REPEATS:
            first = int((repeat >= REPEATS).argmax())
            epochs = self.budgets[budget[first]]
            raise self._wrong(starts[first], f"one run too many after {epochs} epochs of the cell '{cells[first]}'")
        np.add.at(self._runs, slot, 1)
        self.values[budget, repeat, :, place] = values

    def _decode(
        self, data: NDArray[np.uint8], starts: Indices, lengths: Indices
    ) -> tuple[list[str], list[str], Indices, Floats]:
        """Return each record's cell, hash, number of the budget, and what `read_metrics` finds."""
        number = {epochs: place for place, epochs in enumerate(self.budgets)}
        cells, hashes, budgets, messages = [], [], [], []
        try:
            for start, stop in zip(starts.tolist(), (starts + lengths).tolist(), strict=True):
                code, epochs, adjacency, operations, metrics = _RECORD.decode(data.data[start:stop])
                cells.append(f"{adjacency} {operations}")
                hashes.append(code)
                budgets.append(number[epochs])
                messages.append(binascii.a2b_base64(metrics))
        except KeyError as error:
            raise self._wrong(starts[len(messages)], f"{error} epochs, not one of {list(self.budgets)}") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._wrong(starts[len(messages)], str(error)) from error
        try:
            numbers = read_metrics(messages)
        except ValueError as error:
            raise BenchmarkFileError(f"{self.name}: the metrics of a record cannot be read: {error}") from error
        return cells, hashes, np.array(budgets), numbers

    def _located(self, cells: list[str]) -> Indices:
        """Return the place of each cell."""
        new = list(dict.fromkeys(cell for cell in cells if cell not in self._places))
        try:
            places = self.space.index(self.space.read(new))
        except ArchitectureError as error:
            raise BenchmarkFileError(f"{self.name}: {error}") from error
        self._places.update(zip(new, places.tolist(), strict=True))
        return np.array([self._places[cell] for cell in cells], dtype=np.int64)

    def _wrong(self, start: np.int64, why: str) -> BenchmarkFileError:
        return BenchmarkFileError(f"{self.name}: the record at byte {start - HEADER:,}: {why}")

    def _check(self) -> None:
        """Raise BenchmarkFileError if a run is missing, or a hash and a cell do not belong to each other alone."""
        runs = self._runs.reshape(len(self.budgets), self.space.size)
        for epochs, counts in zip(self.budgets, runs, strict=True):
            missing = np.flatnonzero(counts < REPEATS)
            if len(missing):
                [cell] = self.space.write(self.space.rows(missing[:1]))
                raise BenchmarkFileError(
                    f"{self.name}: {len(missing):,} of {self.space.size:,} cells have not {REPEATS} runs of {epochs} "
                    f"epochs (first: '{cell}' has {counts[missing[0]]})"
                )
        pairs = {(self._places[cell], code) for cell, code in self._hashes.items()}
        if not len(pairs) == len(set(self._hashes.values())) == self.space.size:
            raise BenchmarkFileError(f"{self.name}: a hash stands for several cells, or several hashes for one")

    def _columns(self) -> Mapping[Column, Floats]:
        columns: dict[Column, Floats] = {}
        for epochs, repeats in zip(self.budgets, self.values, strict=True):
            for spent, part in ((epochs // 2, slice(0, 4)), (epochs, slice(4, 8))):
                for seed, values in enumerate(repeats[:, part]):
                    time = Column("training-time", "cifar10", "", "s", spent, seed, quality=False)
                    columns[time] = values[0]
                    for split, shares in zip(_SPLITS, values[1:], strict=True):
                        columns[Column("accuracy", "cifar10", split, "%", spent, seed)] = 100 * shares
        columns[Column("parameters", "cifar10", "", "M", quality=False)] = self.parameters / 1e6
        return columns


def _times_before(values: Indices) -> Indices:
    """Return how often each value stands earlier among the same values."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=-1))
    before = np.empty_like(order)
    before[order] = np.arange(len(values)) - np.repeat(starts, np.diff(starts, append=len(values)))
    return before


ADAPTER = describe(
    "nas-bench-101",
    OfficialFile(
        "nasbench_only108.tfrecord",
        sha256="4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
        url=f"{DOWNLOADS}/nasbench_only108.tfrecord",
    ),
    budgets=(108,),
)

FULL = describe(
    "nas-bench-101-full",
    OfficialFile(
        "nasbench_full.tfrecord",
        sha256="3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        url=f"{DOWNLOADS}/nasbench_full.tfrecord",
    ),
    budgets=(4, 12, 36, 108),
)
