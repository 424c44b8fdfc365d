"""The frame around all records in one file of NAS-Bench-201 or NATS-Bench, and whether the records fit it."""

from collections.abc import Mapping
from typing import Any

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.trained_runs import TrainedRuns


def check_frame(held: Any, runs: TrainedRuns, lengths: Mapping[str, int]) -> None:
    """Raise RefusedError if the records are not where their indices say.

    Parameters
    ----------
    held
        What the file holds, each record replaced by its index and epochs.
    runs
        Who took the records.
    lengths
        For each training, by the authors' name for it, its epochs.
    """
    if not isinstance(held, dict) or not isinstance(held.get("arch2infos"), dict):
        raise RefusedError("it is no benchmark of this kind: arch2infos is missing")
    for index, trainings in held["arch2infos"].items():
        if trainings != {name: (index, epochs) for name, epochs in lengths.items()}:
            raise RefusedError(f"architecture {str(index)[:20]} has not the trainings {', '.join(lengths)} of its own")
    check_order(held, runs)


def check_order(held: Any, runs: TrainedRuns) -> None:
    """Raise RefusedError if the official list of architectures gives another index to any of those that were read."""
    strings = held.get("meta_archs") if isinstance(held, dict) else None
    if not isinstance(strings, list) or not all(type(string) is str for string in strings):
        raise RefusedError("the list of all architectures, meta_archs, is missing")
    listed = {string: index for index, string in enumerate(strings)}
    if len(listed) != len(strings) or listed.keys() != runs.rows.keys():
        raise RefusedError(f"meta_archs does not list the {len(runs.rows):,} architectures of the space, each once")
    for string, row in runs.rows.items():
        if runs.official[row] not in (-1, listed[string]):
            raise RefusedError(f"architecture {runs.official[row]} is {listed[string]} in meta_archs")


def check_complete(runs: TrainedRuns, name: str) -> None:
    """Raise BenchmarkFileError if an architecture of the space was not read, or not all of its trainings."""
    count, first = runs.missing()
    if count:
        raise BenchmarkFileError(f"{name}: {count} of {len(runs.rows)} architectures are missing (first: {first})")
