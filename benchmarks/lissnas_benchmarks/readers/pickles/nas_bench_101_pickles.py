"""Read the pickles in which NASLib and NASBenchAPI publish NAS-Bench-101, record by record; nothing is run."""

import binascii
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from lissnas.spaces.space import Floats

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.model_metrics import EVALUATIONS, FIELDS, PARAMETERS, read_metrics
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_allowlist import CONSTRUCTORS, RefusedError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream
from lissnas_benchmarks.readers.pickles.safe_pickle import ARRAY_CONSTRUCTORS, NumberArray

if TYPE_CHECKING:
    from lissnas_benchmarks.adapters.nas_bench_101 import Runs

_MAX_VALUES = 24_000_000
"""Maximum number of values in memory: 423,624 cells need up to 20 each beside their records."""

_MAX_SHARED = 32
"""Records share the names of their fields, which are at most this long; their other strings are longer."""

_BATCH = 4096
"""Number of records that are decoded at once."""

_PARTS = {1: "halfway", 2: "final"}
"""NASLib's names of a run's evaluations."""

_NUMBERS = {
    evaluation * len(FIELDS) + place: f"{part}_{name}"
    for evaluation, part in _PARTS.items()
    for place, name in enumerate(("", "training_time", "train_accuracy", "validation_accuracy", "test_accuracy"))
    if name
}
"""NASLib's name of each column of `read_metrics`."""


def read_naslib(path: Path, runs: "Runs", progress: Callable[[float], None] = lambda share: None) -> "Runs":
    """Add the runs in NASLib's pickle: {MD5: ({"module_adjacency", ...}, {108: [three runs]})}.

    Raises BenchmarkFileError if the file is damaged or in another layout.
    """
    cells: list[str] = []
    parameters: list[int] = []
    measured: list[Floats] = []

    def finish(record: dict[Any, Any]) -> int:
        if "module_adjacency" in record:
            cells.append(_cell(record["module_adjacency"], record["module_operations"]))
            parameters.append(_checked(record["trainable_parameters"], int))
            return len(cells) - 1
        numbers = np.full(EVALUATIONS * len(FIELDS) + 1, np.nan)
        for column, name in _NUMBERS.items():
            numbers[column] = _checked(record[name], float)
        measured.append(numbers)
        return len(measured) - 1

    value = _load(path, ("module_adjacency", "final_test_accuracy"), finish, progress)
    try:
        hashes: list[str] = []
        named: list[str] = []
        budgets: list[int] = []
        numbers: list[Floats] = []
        for code, (cell, trained) in value.items():
            for epochs, repeats in trained.items():
                for repeat in repeats:
                    numbers.append(measured[repeat])
                    numbers[-1][PARAMETERS] = parameters[cell]
                    budgets.append(runs.budgets.index(epochs))
                    named.append(cells[cell])
                    hashes.append(_checked(code, str))
        for first in range(0, len(named), _BATCH):
            part = slice(first, first + _BATCH)
            runs.add(named[part], hashes[part], np.array(budgets[part]), np.array(numbers[part]))
    except _OTHER_LAYOUT as error:
        raise BenchmarkFileError(f"{path.name}: not in NASLib's layout ({error})") from error
    return runs


def read_nasbenchapi(path: Path, runs: "Runs", progress: Callable[[float], None] = lambda share: None) -> "Runs":
    """Add the runs in NASBenchAPI's pickle; its means are ignored: not every version has them right.

    Raises BenchmarkFileError if the file is damaged or in another layout.
    """
    known: dict[str, int] = {}
    of_record: list[tuple[int, int]] = []
    messages: list[bytes] = []
    numbers: list[Floats] = []

    def decode() -> None:
        numbers.append(read_metrics(messages).astype(np.float64))
        messages.clear()

    def finish(record: dict[Any, Any]) -> int | None:
        if type(record.get("adjacency_str")) is not str or type(record.get("metrics_b64")) is not str:
            return None  # a mean, or other fields of a run
        cell = f"{_checked(record['adjacency_str'], str)} {_checked(record['operations_str'], str)}"
        of_record.append((known.setdefault(cell, len(known)), runs.budgets.index(record["epoch"])))
        messages.append(binascii.a2b_base64(_checked(record["metrics_b64"], str)))
        if len(messages) == _BATCH:
            decode()
        return len(of_record) - 1

    value = _load(path, ("adjacency_str", "trainable_parameters"), finish, progress)
    try:
        if messages:
            decode()
        every, cells = np.concatenate(numbers), list(known)
        pairs = [(code, record) for code, records in value["entries_by_arch"].items() for record in records]
        for first in range(0, len(pairs), _BATCH):
            part = pairs[first : first + _BATCH]
            places = [of_record[record] for _code, record in part]
            hashes = [_checked(code, str) for code, _record in part]
            taken = every[[record for _code, record in part]]
            runs.add([cells[cell] for cell, _ in places], hashes, np.array([budget for _, budget in places]), taken)
    except _OTHER_LAYOUT as error:
        raise BenchmarkFileError(f"{path.name}: not in NASBenchAPI's layout ({error})") from error
    return runs


_OTHER_LAYOUT = (RefusedError, LookupError, TypeError, ValueError, AttributeError)


def _load(
    path: Path,
    markers: tuple[str, ...],
    finish: Callable[[dict[Any, Any]], int | None],
    progress: Callable[[float], None],
) -> Any:
    size = max(1, path.stat().st_size)

    def checked(record: dict[Any, Any]) -> int | None:
        try:
            return finish(record)
        except (LookupError, ValueError) as error:
            raise RefusedError(f"a record has another form: {error}") from error

    with path.open("rb") as file:
        stream = PickleStream(
            file,
            path.name,
            markers,
            checked,
            FloatDictReader(0),
            lambda count: progress(min(1.0, count / size)),
            CONSTRUCTORS | ARRAY_CONSTRUCTORS,
            max_values=_MAX_VALUES,
            max_shared=_MAX_SHARED,
            refuses_references=False,
        )
        value = stream.load()
        stream.check_ended()
    return value


def _cell(matrix: Any, operations: Any) -> str:
    """Return a cell as the official file writes it: the digits of the matrix, and the operations."""
    if type(matrix) is not NumberArray or matrix.values.ndim != 2 or not np.isin(matrix.values, (0, 1)).all():
        raise RefusedError("an adjacency matrix of other numbers than 0 and 1")
    if type(operations) is not list or not all(type(name) is str for name in operations):
        raise RefusedError("operations that are not names")
    return f"{''.join(map(str, matrix.values.astype(int).ravel().tolist()))} {','.join(operations)}"


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise RefusedError(f"a {type(value).__name__} instead of a {kind.__name__}")
    return value
