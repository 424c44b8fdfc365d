"""Read NASLib's JSON files of zero-cost scores (NAS-Bench-Suite-Zero), in their first and in their later layout.

{data set: {architecture: {"idx", "arch", "val_accuracy", SCORE: {"score", "time"}}}}; the first layout has one more
level for the space, and plain numbers for the scores. A failed score is -1e8, infinite or NaN, and is NaN here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Signs
from lissnas_benchmarks.errors import BenchmarkFileError, first_line

SIGNS: Signs = (('"val_accuracy"', '"grad_norm"'),)
"""What recognizes such a file."""

ACCURACY = "val_accuracy"
"""The one number that is no zero-cost score: an accuracy of a single run or of a surrogate, often a test accuracy."""

_FAILED = -1e8

_START = 1 << 14
_DESCRIPTIONS = ("idx", "arch")


@dataclass(frozen=True)
class ZeroCostScores:
    """The scores of one data set.

    Attributes
    ----------
    architectures
        The architectures in NASLib's format of their space.
    scores
        Each score by its name, float64 of shape (n,); NaN where it is missing or failed.
    """

    architectures: list[str]
    scores: dict[str, Floats]


def is_zero_cost(path: Path) -> bool:
    """Tell whether a file starts as such a file does."""
    with path.open("rb") as file:
        start = file.read(_START)
    return start.lstrip().startswith(b"{") and any(all(text.encode() in start for text in texts) for texts in SIGNS)


def read_zero_cost(data: bytes, name: str) -> dict[str, ZeroCostScores]:
    """Return the scores of each data set; raises BenchmarkFileError if it is not such a file."""
    try:
        datasets = json.loads(data, object_pairs_hook=_without_repeats)
        if ACCURACY not in _first(_first(datasets)):
            datasets = _first(datasets)  # the first layout has the space above its data sets
        return {dataset: _scores(cells) for dataset, cells in datasets.items()}
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
        raise BenchmarkFileError(
            f"{name}: not NASLib's JSON of zero-cost scores ({first_line(error)[:200]}): download it again"
        ) from error


def _scores(cells: dict[str, dict[str, Any]]) -> ZeroCostScores:
    names = dict.fromkeys(name for cell in cells.values() for name in cell if name not in _DESCRIPTIONS)
    columns = {name: np.array([_number(cell.get(name)) for cell in cells.values()]) for name in names}
    return ZeroCostScores(list(cells), columns)


def _number(value: Any) -> float:
    number = value["score"] if isinstance(value, dict) else value
    if number is None:
        return np.nan
    if type(number) not in (int, float):
        raise ValueError("a score is not a number")
    return float(number) if np.isfinite(number) and number > _FAILED else np.nan


def _first(value: dict[str, Any]) -> dict[str, Any]:
    first = next(iter(value.values()), None)
    if not isinstance(first, dict):
        raise ValueError("it lacks the levels of data sets and architectures")
    return first


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names
