"""What NAS-Bench-201 and NATS-Bench record of an architecture, and the columns and curves that it becomes.

A record belongs to one architecture and one length of training; it holds a run for each data set and seed.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.spaces.space import Floats, Indices, Space
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.readers.fast_float_dicts import float_dict
from lissnas_benchmarks.readers.pickle_allowlist import RefusedError, shown
from lissnas_benchmarks.readers.run_layout import RunLayouts
from lissnas_benchmarks.table_file import curve_file

MARKER = "all_results"
"""The key that only a record has."""

DATASETS = ("cifar10", "cifar100", "ImageNet16-120", "cifar10-valid")
"""In the order of the table; the first is its default."""

SEEDS = (111, 777, 888, 999)

_UNITS = {
    "accuracy": "%",
    "loss": "nats",
    "training-time": "s",
    "evaluation-time": "s",
    "parameters": "M",
    "flops": "M",
    "latency": "ms",
    "official-index": "",
}

_SPLITS = ("train", "validation", "test", "validation+test", "")

Settle = Callable[[list[float], list[int]], float]
"""What a number is that the runs of an architecture do not agree on, given what each says and the runs' seeds."""


@dataclass
class _Measured:
    """One column and the curve that ends in it, and which rows have them."""

    column: Column
    values: Floats
    present: NDArray[np.bool_]
    curve: NDArray[np.float32] | None
    curved: NDArray[np.bool_]


class TrainedRuns:
    """Takes records one by one and turns them into columns, with their learning curves on disk.

    Parameters
    ----------
    source
        The import under way, where curves go.
    space
        The space whose index orders the rows.
    epochs
        The lengths of training there are; parameters, FLOPs and latency are taken from the last.
    settle
        How the runs of one architecture settle on its parameters, and on its FLOPs.

    Attributes
    ----------
    rows
        The row of each official string.
    official
        The official index of each row, -1 where there was no record.
    """

    def __init__(self, source: Import, space: Space, epochs: Sequence[int], settle: Settle) -> None:
        self._source, self._epochs, self._settle, self._size = source, tuple(epochs), settle, space.size
        self.rows = {string: row for row, string in enumerate(space.write(space.all_rows()))}
        self._layouts = RunLayouts()
        self._measured: dict[tuple[str, str, str, int | None, int | None], _Measured] = {}
        self._seen = np.zeros((space.size, len(self._epochs)), dtype=bool)
        self.official: Indices = np.full(space.size, -1, dtype=np.int64)

    def add(self, record: dict[Any, Any]) -> tuple[int, int]:
        """Take a record, and return the architecture's official index and how many epochs it was trained for.

        Raises RefusedError if it is not as such records are, or is there already.
        """
        try:
            index, string = record["arch_index"], record["arch_str"]
            row = self.rows.get(string) if type(string) is str else None
            if row is None or type(index) is not int or not 0 <= index < self._size:
                raise RefusedError(f"architecture {shown(string)} with index {shown(index)} is not of the space")
            if self.official[row] not in (-1, index):
                raise RefusedError(f"architecture {index} is also architecture {self.official[row]}")
            self.official[row] = index
        except KeyError as error:
            raise RefusedError(f"a record has no {error}") from error
        try:
            return index, self._add_runs(row, record["dataset_seed"], record[MARKER])
        except (KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            raise RefusedError(f"architecture {index} is not recorded as others are: {error}") from error
        except RefusedError as error:
            raise RefusedError(f"architecture {index}: {error}") from error

    def missing(self) -> tuple[int, int | None]:
        """Return how many architectures are not wholly there, and the smallest index of those that are known to be."""
        whole = self._seen.all(axis=1)
        known = set(self.official[whole].tolist())
        first = next((index for index in range(self._size) if index not in known), None)
        return int((~whole).sum()), first

    def columns(self) -> dict[Column, Floats]:
        """Return the columns in the order of the table; raises RefusedError if a number is none or impossible.

        CIFAR-10 gets its validation accuracy and loss from the runs on the half of its training set, cifar10-valid.
        """
        for measured in self._measured.values():
            self._check(measured)
        columns = {measured.column: measured.values for measured in self._measured.values()}
        for measured in self._measured.values():
            column = measured.column
            if column.dataset == "cifar10-valid" and column.split == "validation":
                full = replace(column, dataset="cifar10")
                columns[full] = measured.values
                if measured.curve is not None:
                    _link(self._source.folder / curve_file(column), self._source.folder / curve_file(full))
        columns[Column("official-index", DATASETS[0], "", "", quality=False)] = self.official.astype(np.float64)
        return {column: columns[column] for column in sorted(columns, key=_order)}

    def _add_runs(self, row: int, seeds_of: dict[str, list[int]], runs: dict[tuple[str, int], dict[str, Any]]) -> int:
        listed = [(dataset, seed) for dataset, seeds in seeds_of.items() for seed in seeds]
        if not all(type(seed) is int for _dataset, seed in listed) or not all(seeds_of.values()):
            raise RefusedError("its seeds are no numbers")
        if not runs or set(listed) != set(runs) or len(listed) != len(runs):
            raise RefusedError("its runs are not those that it lists")
        epochs, *others = [run["epochs"] for run in runs.values()]
        if type(epochs) is not int or epochs not in self._epochs or any(epochs != other for other in others):
            raise RefusedError(f"trained for {shown(epochs)} epochs, not for one of {self._epochs}")
        place = self._epochs.index(epochs)
        if self._seen[row, place]:
            raise RefusedError(f"its training for {epochs} epochs is there twice")
        self._seen[row, place] = True
        for (dataset, seed), run in runs.items():
            if dataset not in DATASETS or seed not in SEEDS:
                raise RefusedError(f"data set {shown(dataset)} with seed {seed}; known: {DATASETS}, {SEEDS}")
            if run["name"] != dataset or run["seed"] not in (seed, str(seed), f"{seed:04d}"):
                raise RefusedError(f"the run on {dataset} with seed {seed} calls itself another")
            self._add_run(row, dataset, seed, epochs, run)
        if epochs == self._epochs[-1]:
            for dataset, seeds in seeds_of.items():
                self._add_costs(row, dataset, seeds, [runs[dataset, seed] for seed in seeds])
        return int(epochs)

    def _add_run(self, row: int, dataset: str, seed: int, epochs: int, run: dict[str, Any]) -> None:
        splits: dict[str, set[str]] = {}
        for metric, names in _CURVES.items():
            splits[metric] = set()
            for name in names:
                numbers = float_dict(run[name])
                for split, places, last in self._layouts.splits(numbers.keys, dataset, epochs):
                    splits[metric].add(split)
                    measured = self._of(metric, dataset, split, epochs, seed)
                    measured.values[row] = numbers.values[last]
                    measured.present[row] = True
                    if places is not None:
                        if measured.curve is None:
                            measured.curve = np.asarray(self._source.curves(measured.column, self._size, epochs))
                        with np.errstate(over="ignore"):  # a loss beyond what the curve's float32 holds is infinite
                            measured.curve[row] = numbers.values[places]
                        measured.curved[row] = True
        if splits["accuracy"] != splits["loss"] or "train" not in splits["loss"]:
            raise RefusedError(f"accuracies and losses on {dataset} with seed {seed} are not of the same splits")
        for metric, name in _TIMES.items():
            if not run[name]:
                continue
            numbers = float_dict(run[name])
            for split, places, last in self._layouts.splits(numbers.keys, dataset, epochs):
                if places is not None or epochs == 1:
                    measured = self._of(metric, dataset, split, epochs, seed)
                    measured.values[row] = numbers.values[last if places is None else places].sum()
                    measured.present[row] = True

    def _add_costs(self, row: int, dataset: str, seeds: list[int], runs: list[dict[str, Any]]) -> None:
        latencies = [sum(run["latency"]) / len(run["latency"]) for run in runs if run["latency"]]
        latencies = [1000 * latency for latency in latencies if latency > 0]
        costs = {"latency": sum(latencies) / len(latencies) if latencies else None}
        for metric, name in (("parameters", "params"), ("flops", "flop")):
            numbers = [float(run[name]) for run in runs]
            if not all(number >= 0 for number in numbers):
                raise RefusedError(f"an impossible number among {metric} on {dataset}")
            costs[metric] = self._settle(numbers, seeds)
        for metric, cost in costs.items():
            if cost is not None:
                measured = self._of(metric, dataset, "", None, None)
                measured.values[row] = cost
                measured.present[row] = True

    def _of(self, metric: str, dataset: str, split: str, epochs: int | None, seed: int | None) -> _Measured:
        key = metric, dataset, split, epochs, seed
        found = self._measured.get(key)
        if found is None:
            column = Column(metric, dataset, split, _UNITS[metric], epochs, seed, quality=metric == "accuracy")
            values, present = np.full(self._size, np.nan), np.zeros(self._size, dtype=bool)
            found = self._measured[key] = _Measured(column, values, present, None, np.zeros(self._size, dtype=bool))
        return found

    def _check(self, measured: _Measured) -> None:
        """Raise RefusedError if a number is impossible; a loss may be none, where a training went astray."""
        column = measured.column
        if column.metric == "loss":
            return
        most = 100.0 if column.unit == "%" else np.finfo(np.float64).max
        wrong = measured.present & ~((measured.values >= 0) & (measured.values <= most))
        if measured.curve is not None and not wrong.any():
            epochs = ~((measured.curve >= 0) & (measured.curve <= most))
            wrong = measured.curved & epochs.any(axis=1)
        if wrong.any():
            index = self.official[np.flatnonzero(wrong)[0]]
            raise RefusedError(f"architecture {index}: an impossible number among {column.name}")


_CURVES = {"accuracy": ("train_acc1es", "eval_acc1es"), "loss": ("train_losses", "eval_losses")}

_TIMES = {"training-time": "train_times", "evaluation-time": "eval_times"}


def _order(column: Column) -> tuple[int, ...]:
    places = DATASETS.index(column.dataset), list(_UNITS).index(column.metric), _SPLITS.index(column.split)
    return (*places, -(column.epochs or 0), column.seed or 0)


def _link(path: Path, other: Path) -> None:
    """Give a file a second name, or make a copy where the file system knows no such thing."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)
