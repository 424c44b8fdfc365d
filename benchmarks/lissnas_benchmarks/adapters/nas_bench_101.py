"""NAS-Bench-101: CIFAR-10 accuracy of 423,624 cells, each trained three times, for one or four numbers of epochs."""

import binascii
from collections.abc import Callable, Mapping
from itertools import combinations

import msgspec
import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.nasbench101 import NasBench101, nasbench101
from lissnas.spaces.space import Floats, Indices
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import, OfficialFile, OtherForm, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.model_metrics import FIELDS, PARAMETERS, read_metrics
from lissnas_benchmarks.readers.tfrecord import HEADER, frames

DOWNLOADS = "https://storage.googleapis.com/nasbench"
"""The address of the folder in which the authors publish their files."""

REPEATS = 3
"""Number of training runs of a cell."""

_SPLITS = ("train", "validation", "test")

_USED_FIELDS = [evaluation * len(FIELDS) + place for evaluation in (1, 2) for place in range(1, len(FIELDS))]
"""The fields of a run that become columns: training time and accuracies, halfway and at the end."""

_IS_TIME = np.array([FIELDS[column % len(FIELDS)] == "time" for column in _USED_FIELDS])

_RECORD = msgspec.json.Decoder(tuple[str, int, str, str, str])
"""A record: hash, epochs, adjacency matrix, operations, and ModelMetrics in base 64."""

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


def nas_bench_101_adapter(
    name: str,
    file: OfficialFile,
    budgets: tuple[int, ...],
    max_vertices: int = 7,
    forms: tuple[OtherForm, ...] = (),
) -> TableAdapter:
    """Return the adapter of a file in the official format with all cells up to a number of vertices.

    Parameters
    ----------
    name
        The benchmark's name.
    file
        The file.
    budgets
        The numbers of epochs for which each cell was trained, ascending.
    max_vertices
        Maximum number of vertices of a cell.
    forms
        The files of other packages that it is also read from.
    """

    def space() -> NasBench101:
        return nasbench101(max_vertices)

    def read(source: Import) -> Mapping[Column, Floats]:
        try:
            return Runs(file.name, space(), budgets).read(source)
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
        forms=forms,
        signs=((*(f'", {epochs}, "0' for epochs in budgets), '"input,', ',output"'),),
        selects=Measure("accuracy", "validation", seeds=(0,), epochs=budgets[-1]),
        reports=Measure("accuracy", "test", epochs=budgets[-1]),
        obtain=obtain,
        caveats=(
            "seeds 0, 1 and 2 are the repeats in the order of the file: the authors publish no random seeds",
            "values after 54 epochs (2, 6, 18) are from halfway through a run of 108 (4, 12, 36), "
            "whose learning rate falls over all its epochs",
            "two cells are the same if they are isomorphic after pruning; one edit adds or cuts off at most one vertex",
        ),
    )


class Runs:
    """Collects the runs of a file while it is read.

    Attributes
    ----------
    values
        Shape (budgets, repeats, used fields, size); NaN until read.
    parameters
        Shape (size,); NaN until read.
    """

    def __init__(self, name: str, space: NasBench101, budgets: tuple[int, ...]) -> None:
        self.name = name
        self.space = space
        self.budgets = budgets
        self.values = np.full((len(budgets), REPEATS, len(_USED_FIELDS), space.size), np.nan)
        self.parameters = np.full(space.size, np.nan)
        self._runs = np.zeros(len(budgets) * space.size, dtype=np.int64)
        self._hashes: dict[str, str] = {}
        self._index_of: dict[str, int] = {}

    def read(self, source: Import) -> Mapping[Column, Floats]:
        """Return the columns; raises BenchmarkFileError if a run is missing, superfluous, or contradicts another."""
        path = source.files[0]
        data = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.empty(0, dtype=np.uint8)
        for starts, lengths in frames(data, self.name):
            self._add(data, starts, lengths)
            source.progress(float(starts[-1] + lengths[-1]) / len(data))
        return self.columns()

    def columns(self) -> Mapping[Column, Floats]:
        """Return the columns; raises BenchmarkFileError as `read`."""
        self._check()
        return self._columns()

    def _add(self, data: NDArray[np.uint8], starts: Indices, lengths: Indices) -> None:
        """Add the records at these positions."""
        cells, hashes, budget, numbers = self._decode(data, starts, lengths)
        self.add(cells, hashes, budget, numbers, lambda record: f"the record at byte {starts[record] - HEADER:,}")

    def add(
        self,
        cells: list[str],
        hashes: list[str],
        budget: Indices,
        numbers: Floats,
        place: Callable[[int], str] = lambda record: f"record {record:,}",
    ) -> None:
        """Add records: cell, hash, index of the budget, numbers as in `read_metrics`; `place` names one in errors."""
        values, parameters = numbers[:, _USED_FIELDS], numbers[:, PARAMETERS]
        possible = np.isfinite(values) & (values >= 0) & ((values <= 1) | _IS_TIME)
        valid = possible.all(axis=1) & (parameters > 0)
        if not valid.all():
            raise self._error(
                place(int(valid.argmin())), "a time, an accuracy or the number of parameters is missing or impossible"
            )

        index = self._indices(cells)
        unknown = np.isnan(self.parameters[index])
        self.parameters[index[unknown]] = parameters[unknown]
        hash_of_cell = [self._hashes.setdefault(cell, code) for cell, code in zip(cells, hashes, strict=True)]
        same_hash = np.array([code == first for code, first in zip(hashes, hash_of_cell, strict=True)])
        for what, same in (("hash", same_hash), ("number of parameters", self.parameters[index] == parameters)):
            if not same.all():
                first = int(same.argmin())
                raise self._error(place(first), f"another {what} than an earlier record of '{cells[first]}'")

        slot = budget * self.space.size + index
        repeat = self._runs[slot] + _times_before(slot)
        if repeat.max() >= REPEATS:
            first = int((repeat >= REPEATS).argmax())
            epochs = self.budgets[budget[first]]
            raise self._error(place(first), f"more than {REPEATS} runs of {epochs} epochs of the cell '{cells[first]}'")
        np.add.at(self._runs, slot, 1)
        self.values[budget, repeat, :, index] = values

    def _decode(
        self, data: NDArray[np.uint8], starts: Indices, lengths: Indices
    ) -> tuple[list[str], list[str], Indices, Floats]:
        """Return each record's cell, its hash, the index of its budget, and the numbers of `read_metrics`."""
        budget_of = {epochs: budget for budget, epochs in enumerate(self.budgets)}
        cells, hashes, budgets, messages = [], [], [], []

        def place(record: int) -> str:
            return f"the record at byte {starts[record] - HEADER:,}"

        try:
            for start, stop in zip(starts.tolist(), (starts + lengths).tolist(), strict=True):
                code, epochs, adjacency, operations, metrics = _RECORD.decode(data.data[start:stop])
                cells.append(f"{adjacency} {operations}")
                hashes.append(code)
                budgets.append(budget_of[epochs])
                messages.append(binascii.a2b_base64(metrics))
        except KeyError as error:
            raise self._error(place(len(messages)), f"{error} epochs, not one of {list(self.budgets)}") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._error(place(len(messages)), str(error)) from error
        try:
            numbers = read_metrics(messages)
        except ValueError as error:
            raise BenchmarkFileError(f"{self.name}: the metrics of a record cannot be read: {error}") from error
        return cells, hashes, np.array(budgets), numbers

    def _indices(self, cells: list[str]) -> Indices:
        """Return the index of each cell in the space; each new cell is parsed once."""
        new = list(dict.fromkeys(cell for cell in cells if cell not in self._index_of))
        try:
            indices = self.space.index(self.space.read(new))
        except ArchitectureError as error:
            raise BenchmarkFileError(f"{self.name}: {error}") from error
        self._index_of.update(zip(new, indices.tolist(), strict=True))
        return np.array([self._index_of[cell] for cell in cells], dtype=np.int64)

    def _error(self, place: str, why: str) -> BenchmarkFileError:
        return BenchmarkFileError(f"{self.name}: {place}: {why}")

    def _check(self) -> None:
        """Raise BenchmarkFileError if a run is missing, or hashes and cells do not match one to one."""
        runs = self._runs.reshape(len(self.budgets), self.space.size)
        for epochs, counts in zip(self.budgets, runs, strict=True):
            missing = np.flatnonzero(counts < REPEATS)
            if len(missing):
                [cell] = self.space.write(self.space.rows(missing[:1]))
                raise BenchmarkFileError(
                    f"{self.name}: {len(missing):,} of {self.space.size:,} cells have not {REPEATS} runs of {epochs} "
                    f"epochs (first: '{cell}' has {counts[missing[0]]})"
                )
        for one, other in combinations(range(REPEATS), 2):
            copied = (self.values[:, one] == self.values[:, other]).all(axis=1)
            if copied.any():
                budget, index = np.argwhere(copied)[0]
                [cell] = self.space.write(self.space.rows(np.array([index])))
                raise BenchmarkFileError(
                    f"{self.name}: runs {one} and {other} of {self.budgets[budget]} epochs of the cell '{cell}' are "
                    f"copies of one run, their seconds included"
                )
        pairs = {(self._index_of[cell], code) for cell, code in self._hashes.items()}
        if not len(pairs) == len(set(self._hashes.values())) == self.space.size:
            raise BenchmarkFileError(f"{self.name}: hashes and cells do not match one to one")

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
    """Return for each element how many equal elements are before it."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=-1))
    before = np.empty_like(order)
    before[order] = np.arange(len(values)) - np.repeat(starts, np.diff(starts, append=len(values)))
    return before


def _naslib(source: Import) -> Mapping[Column, Floats]:
    from lissnas_benchmarks.readers.pickles.nas_bench_101_pickles import read_naslib

    return read_naslib(source.files[0], Runs(source.files[0].name, nasbench101(7), (108,)), source.progress).columns()


def _nasbenchapi(source: Import) -> Mapping[Column, Floats]:
    from lissnas_benchmarks.readers.pickles.nas_bench_101_pickles import read_nasbenchapi

    runs = Runs(source.files[0].name, nasbench101(7), (4, 12, 36, 108))
    return read_nasbenchapi(source.files[0], runs, source.progress).columns()


ADAPTER = nas_bench_101_adapter(
    "nas-bench-101",
    OfficialFile(
        "nasbench_only108.tfrecord",
        sha256="4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
        url=f"{DOWNLOADS}/nasbench_only108.tfrecord",
    ),
    budgets=(108,),
    forms=(
        OtherForm(
            OfficialFile("nasbench_only108.pkl"),
            "NASLib",
            (("module_adjacency", "module_operations", "final_validation_accuracy"),),
            _naslib,
        ),
    ),
)

FULL = nas_bench_101_adapter(
    "nas-bench-101-full",
    OfficialFile(
        "nasbench_full.tfrecord",
        sha256="3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        url=f"{DOWNLOADS}/nasbench_full.tfrecord",
    ),
    budgets=(4, 12, 36, 108),
    forms=(
        OtherForm(
            OfficialFile(
                "nasbench101_full.pkl",
                url="https://huggingface.co/datasets/ThunderStruct/NASBench/resolve/main/nasbench101_full.pkl",
            ),
            "NASBenchAPI",
            (("entries_by_arch", "adjacency_str", "metrics_b64"),),
            _nasbenchapi,
        ),
    ),
)
