"""Turn the records of NAS-Bench-201 and NATS-Bench into columns and learning curves.

A record belongs to one architecture and one training length. It has a run for each data set and seed.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.spaces.space import Floats, Indices, Space
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.curve_layout import CurveLayouts
from lissnas_benchmarks.readers.exact_costs import OTHER_COST, CostsOf
from lissnas_benchmarks.readers.pickles.fast_float_dicts import float_dict
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError, short_text
from lissnas_benchmarks.table_file import curve_file

MARKER = "all_results"
"""A key that only records have; `PickleStream` finds them by it."""

DATASETS = ("cifar10", "cifar100", "ImageNet16-120", "cifar10-valid")
"""The data sets in the order of the table; the first is the default."""

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


@dataclass
class _Measured:
    """One column, the learning curve that ends in it, and which rows have either."""

    column: Column
    values: Floats
    present: NDArray[np.bool_]
    curve: NDArray[np.float32] | None
    has_curve: NDArray[np.bool_]


class TrainedRuns:
    """Collects records one by one and turns them into columns; learning curves are on disk.

    Parameters
    ----------
    source
        The import, in whose folder the curves are written.
    space
        The space whose index orders the rows.
    epochs
        The training lengths; the latency is taken from the last.
    costs_of
        Computes the parameters and FLOPs, which runs may state wrongly.

    Attributes
    ----------
    rows
        The row of each official string.
    official
        The official index of each row; -1 for a row without a record.
    """

    def __init__(self, source: Import, space: Space, epochs: Sequence[int], costs_of: CostsOf) -> None:
        self._source, self._epochs, self._size = source, tuple(epochs), space.size
        self.rows = {string: row for row, string in enumerate(space.write(space.all_rows()))}
        self._costs = {dataset: costs_of(list(self.rows), dataset) for dataset in DATASETS}
        self._states_other_costs = np.zeros(space.size, dtype=bool)
        self._layouts = CurveLayouts()
        self._measured: dict[tuple[str, str, str, int | None, int | None], _Measured] = {}
        self._has_training = np.zeros((space.size, len(self._epochs)), dtype=bool)
        self.official: Indices = np.full(space.size, -1, dtype=np.int64)

    def add(self, record: dict[Any, Any]) -> tuple[int, int]:
        """Add a record, and return the architecture's official index and its number of epochs.

        Raises RefusedError if the record has another form, or was added before.
        """
        try:
            index, string = record["arch_index"], record["arch_str"]
            row = self.rows.get(string) if type(string) is str else None
            if row is None or type(index) is not int or not 0 <= index < self._size:
                raise RefusedError(
                    f"architecture {short_text(string)} with index {short_text(index)} is not of the space"
                )
            if self.official[row] not in (-1, index):
                raise RefusedError(f"architecture {index} is also architecture {self.official[row]}")
            self.official[row] = index
        except KeyError as error:
            raise RefusedError(f"a record has no {error}") from error
        try:
            return index, self._add_runs(row, record["dataset_seed"], record[MARKER])
        except (KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            raise RefusedError(f"the record of architecture {index} has another form: {error}") from error
        except RefusedError as error:
            raise RefusedError(f"architecture {index}: {error}") from error

    def missing(self) -> tuple[int, int | None]:
        """Return how many architectures lack a training, and the smallest official index among them."""
        complete = self._has_training.all(axis=1)
        known = set(self.official[complete].tolist())
        first = next((index for index in range(self._size) if index not in known), None)
        return int((~complete).sum()), first

    def columns(self) -> dict[Column, Floats]:
        """Return the columns in the order of the table; raises RefusedError if a value is NaN or impossible.

        The validation accuracy and loss of cifar10 are those of cifar10-valid, trained on half of the training set.
        """
        for measured in self._measured.values():
            self._check(measured)
        if count := int(self._states_other_costs.sum()):
            self._source.note(
                f"{count:,} of {self._size:,} architectures state parameters or FLOPs that are not theirs in some run; "
                f"the table has the exact ones"
            )
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
            raise RefusedError("its seeds are not integers")
        if not runs or set(listed) != set(runs) or len(listed) != len(runs):
            raise RefusedError("its runs differ from the list of its seeds")
        epochs, *others = [run["epochs"] for run in runs.values()]
        if type(epochs) is not int or epochs not in self._epochs or any(epochs != other for other in others):
            raise RefusedError(f"trained for {short_text(epochs)} epochs, not for one of {self._epochs}")
        place = self._epochs.index(epochs)
        if self._has_training[row, place]:
            raise RefusedError(f"its training for {epochs} epochs occurs twice")
        self._has_training[row, place] = True
        for (dataset, seed), run in runs.items():
            if dataset not in DATASETS or seed not in SEEDS:
                raise RefusedError(f"data set {short_text(dataset)} with seed {seed}; known: {DATASETS}, {SEEDS}")
            if run["name"] != dataset or run["seed"] not in (seed, str(seed), f"{seed:04d}"):
                raise RefusedError(f"the run on {dataset} with seed {seed} states another data set or seed")
            self._add_run(row, dataset, seed, epochs, run)
        if epochs == self._epochs[-1]:
            for dataset, seeds in seeds_of.items():
                self._add_costs(row, dataset, [runs[dataset, seed] for seed in seeds])
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
                        with np.errstate(over="ignore"):  # a loss beyond float32 becomes infinite
                            measured.curve[row] = numbers.values[places]
                        measured.has_curve[row] = True
        if splits["accuracy"] != splits["loss"] or "train" not in splits["loss"]:
            raise RefusedError(f"accuracies and losses on {dataset} with seed {seed} have different splits")
        for metric, name in _TIMES.items():
            if not run[name]:
                continue
            numbers = float_dict(run[name])
            for split, places, last in self._layouts.splits(numbers.keys, dataset, epochs):
                if places is not None or epochs == 1:
                    measured = self._of(metric, dataset, split, epochs, seed)
                    measured.values[row] = numbers.values[last if places is None else places].sum()
                    measured.present[row] = True

    def _add_costs(self, row: int, dataset: str, runs: list[dict[str, Any]]) -> None:
        latencies = [sum(run["latency"]) / len(run["latency"]) for run in runs if run["latency"]]
        latencies = [1000 * latency for latency in latencies if latency > 0]
        costs = {"latency": sum(latencies) / len(latencies) if latencies else None}
        for metric, name in (("parameters", "params"), ("flops", "flop")):
            numbers = [float(run[name]) for run in runs]
            if not all(number >= 0 for number in numbers):
                raise RefusedError(f"an impossible value of {metric} on {dataset}")
            exact = costs[metric] = float(self._costs[dataset][metric][row])
            self._states_other_costs[row] |= any(abs(number - exact) > OTHER_COST * exact for number in numbers)
        for metric, cost in costs.items():
            if cost is not None:
                measured = self._of(metric, dataset, "", None, None)
                measured.values[row] = cost
                measured.present[row] = True

    def _of(self, metric: str, dataset: str, split: str, epochs: int | None, seed: int | None) -> _Measured:
        key = metric, dataset, split, epochs, seed
        measured = self._measured.get(key)
        if measured is None:
            column = Column(metric, dataset, split, _UNITS[metric], epochs, seed, quality=metric == "accuracy")
            values, present = np.full(self._size, np.nan), np.zeros(self._size, dtype=bool)
            measured = self._measured[key] = _Measured(column, values, present, None, np.zeros(self._size, dtype=bool))
        return measured

    def _check(self, measured: _Measured) -> None:
        """Raise RefusedError if a value is impossible; a loss may be NaN, because a training may diverge."""
        column = measured.column
        if column.metric == "loss":
            return
        largest = 100.0 if column.unit == "%" else np.finfo(np.float64).max
        wrong = measured.present & ~((measured.values >= 0) & (measured.values <= largest))
        if measured.curve is not None and not wrong.any():
            epochs = ~((measured.curve >= 0) & (measured.curve <= largest))
            wrong = measured.has_curve & epochs.any(axis=1)
        if wrong.any():
            index = self.official[np.flatnonzero(wrong)[0]]
            raise RefusedError(f"architecture {index}: an impossible value of {column.name}")


_CURVES = {"accuracy": ("train_acc1es", "eval_acc1es"), "loss": ("train_losses", "eval_losses")}

_TIMES = {"training-time": "train_times", "evaluation-time": "eval_times"}


def _order(column: Column) -> tuple[int, ...]:
    places = DATASETS.index(column.dataset), list(_UNITS).index(column.metric), _SPLITS.index(column.split)
    return (*places, -(column.epochs or 0), column.seed or 0)


def _link(path: Path, other: Path) -> None:
    """Give a file a second name, or copy it if the file system has no hard links."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def check_archive(archive: Any, runs: TrainedRuns, lengths: Mapping[str, int]) -> None:
    """Raise RefusedError if an official file with all architectures does not have every record under its index.

    Parameters
    ----------
    archive
        The content of the file, with each record replaced by its index and epochs.
    runs
        The collected records.
    lengths
        The number of epochs of each training, by the authors' name for it.
    """
    if not isinstance(archive, dict) or not isinstance(archive.get("arch2infos"), dict):
        raise RefusedError("it is not a benchmark of this kind: arch2infos is missing")
    for index, trainings in archive["arch2infos"].items():
        if trainings != {name: (index, epochs) for name, epochs in lengths.items()}:
            raise RefusedError(f"architecture {str(index)[:20]} lacks one of {', '.join(lengths)}")
    check_order(archive, runs)


def check_order(archive: Any, runs: TrainedRuns) -> None:
    """Raise RefusedError if the official list of architectures gives another index to one that was read."""
    strings = archive.get("meta_archs") if isinstance(archive, dict) else None
    if not isinstance(strings, list) or not all(type(string) is str for string in strings):
        raise RefusedError("the list of all architectures, meta_archs, is missing")
    listed = {string: index for index, string in enumerate(strings)}
    if len(listed) != len(strings) or listed.keys() != runs.rows.keys():
        raise RefusedError(f"meta_archs does not list the {len(runs.rows):,} architectures of the space, each once")
    for string, row in runs.rows.items():
        if runs.official[row] not in (-1, listed[string]):
            raise RefusedError(f"architecture {runs.official[row]} is {listed[string]} in meta_archs")


def check_complete(runs: TrainedRuns, name: str) -> None:
    """Raise BenchmarkFileError if an architecture of the space, or one of its trainings, was not read."""
    count, first = runs.missing()
    if count:
        raise BenchmarkFileError(f"{name}: {count} of {len(runs.rows)} architectures are missing (first: {first})")
