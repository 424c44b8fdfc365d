"""The same seed gives the same bits, whatever the workers, threads, hash seeds, time zones and dependencies.

    python tests/verify/verify.py same_bits
    PYTHONPATH=tests/faults python tests/verify/same_bits.py [CLAIM ...] [--count N] [--rows FILE]

A case runs a command in one setting, and compares every file of its results with those of another setting. Wall times
and versions in manifests are left out.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from claims import CannotRunError, Case, main
from folders import contents, difference
from lissnas.errors import LissnasError
from lissnas_analyses.results.rerun import find_results, repeated_command, rerun_command

ROOT = Path(__file__).parents[2]

BENCHMARK = "nas-bench-graph-proteins"
"""A benchmark of 2,021 networks that an installation contains."""

GRIDS = (
    ("compare", BENCHMARK, "--runs", "4", "--methods", "lissnas", "kernel", "regression", "--no-figures"),
    (
        "ablate",
        BENCHMARK,
        "--method",
        "lissnas",
        "evolving",
        "--seeds",
        "5",
        "10",
        "--evaluations",
        "60",
        "--runs",
        "3",
    ),
    ("search", BENCHMARK, "--method", "lissnas", "--evaluations", "300", "--runs", "4", "--optimizer", "random"),
    ("tau", BENCHMARK, "--model", "gp", "boosted-trees", "--train", "30", "--runs", "4"),
)
"""Commands that share their runs among workers."""

SINGLE = (
    ("locality", BENCHMARK),
    ("landscape", BENCHMARK),
    ("shrink", BENCHMARK, "--method", "kernel", "--size", "60", "--evaluations", "60"),
    ("tau", BENCHMARK, "--column", "accuracy/validation", "--sample", "100", "--draws", "50", "--runs", "2"),
)
"""Commands of one process."""

OTHER_VERSIONS = (
    *SINGLE[:2],
    ("compare", BENCHMARK, "--runs", "3", "--methods", "lissnas", "kernel", "--no-figures", "--workers", "1"),
    (*GRIDS[1], "--workers", "1"),
    (*GRIDS[2], "--workers", "1"),
    ("tau", BENCHMARK, "--model", "gp", "--train", "30", "--runs", "4", "--workers", "1"),
)
"""Commands that use no trees: those of scikit-learn differ between its versions."""

SETTINGS = (
    {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "POLARS_MAX_THREADS": "4"},
    {"PYTHONHASHSEED": "1", "POLARS_MAX_THREADS": "1"},
    {"PYTHONHASHSEED": "4294967295", "TZ": "Pacific/Kiritimati"},
    {"TZ": "America/St_Johns", "LC_ALL": "C", "COLUMNS": "40"},
)
"""Environments that must not change a bit."""

USUAL = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "TZ": "UTC"}

START = "from lissnas_analyses.cli.app import main; main()"


class CommandFailedError(Exception):
    """A command ended with an error."""


def _results(
    folder: Path, words: tuple[str, ...], environment: dict[str, str], python: str = sys.executable
) -> dict[str, bytes]:
    """Run a command in an empty folder, and return its files."""
    place = folder / str(len(list(folder.iterdir())))
    ended = subprocess.run(
        [python, "-c", f"import sys; sys.argv[0] = 'lissnas'; {START}", *words, "--out", str(place)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise CommandFailedError(f"{' '.join(words)} ended with {ended.returncode}: {ended.stderr[-500:]}")
    return contents(place)


def _compared(folder: Path, cases: list[tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]]) -> Case:
    """Return a case for each command, further words and environment; it is compared with the usual run."""
    usual: dict[tuple[str, ...], dict[str, bytes]] = {}

    def case(number: int) -> str:
        words, more, environment = cases[number % len(cases)]
        if words not in usual:
            usual[words] = _results(folder, (*words, *_one_worker(words)), USUAL)
        found = difference(_results(folder, (*words, *more), USUAL | environment), usual[words])
        named = " ".join([*(f"{key}={value}" for key, value in environment.items()), *words, *more])
        return f"{named}: {found}" if found else ""

    return case


def _one_worker(words: tuple[str, ...]) -> tuple[str, ...]:
    return ("--workers", "1") if words in GRIDS else ()


def workers(folder: Path) -> Case:
    """Compare grids of 2 and 4 workers with those of one."""
    return _compared(folder, [(grid, ("--workers", count), {}) for count in ("2", "4") for grid in GRIDS])


def environments(folder: Path) -> Case:
    """Compare results in other environments with those in the usual one."""
    every = (*SINGLE, *GRIDS)
    return _compared(folder, [(words, _one_worker(words), setting) for setting in SETTINGS for words in every])


def repeated(folder: Path) -> Case:
    """Repeat results from their manifest, as `lissnas rerun` does."""

    def case(number: int) -> str:
        words = (*SINGLE, *GRIDS)[number % (len(SINGLE) + len(GRIDS))]
        _results(folder, words, USUAL)
        [results] = find_results(folder / str(number))
        [one] = rerun_command(repeated_command(results), [results])
        return "; ".join(one.differences)

    return case


def _other_python(folder: Path, environment: str, target: str) -> Case:
    """Return cases that compare tables with those of the Python and the dependencies of an environment of `make`."""
    python = ROOT / environment / "bin" / "python"
    if not python.exists():
        raise CannotRunError(f"there is no {environment}: make {target} creates it")

    def case(number: int) -> str:
        words = OTHER_VERSIONS[number % len(OTHER_VERSIONS)]
        ours, theirs = (_results(folder, words, USUAL, each) for each in (sys.executable, str(python)))
        tables = sorted(name for name in ours if name.endswith(".csv"))
        found = [name for name in tables if name not in theirs or not _same_table(ours[name], theirs[name])]
        return f"{' '.join(words)}: {', '.join(found)}" if found else ""

    return case


def _same_table(ours: bytes, theirs: bytes) -> bool:
    """Return whether all texts and integers are equal, and all other numbers to four digits.

    Versions of NumPy and SciPy compute other last digits; sums over pairs of graphs are in single precision.
    """
    first, second = (pl.read_csv(content, infer_schema_length=None) for content in (ours, theirs))
    if first.schema != second.schema or first.height != second.height:
        return False
    return all(
        np.allclose(first[name].to_numpy(), second[name].to_numpy(), rtol=1e-4, atol=1e-9, equal_nan=True)
        if kind.is_float()
        else first[name].equals(second[name], null_equal=True)
        for name, kind in first.schema.items()
    )


def oldest(folder: Path) -> Case:
    """Compare tables with those of the oldest dependencies."""
    return _other_python(folder, ".venv-oldest", "test-oldest")


def newest(folder: Path) -> Case:
    """Compare tables with those of the newest dependencies, on another Python if there is one."""
    return _other_python(folder, ".venv-newest", "test-newest")


def _reporting(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
    """Return cases in which a command that fails is a failure of the claim."""

    def made(folder: Path) -> Case:
        case = make(folder)

        def reporting(number: int) -> str:
            try:
                return case(number)
            except (CommandFailedError, LissnasError) as error:
                return str(error)

        return reporting

    return made


CLAIMS: dict[str, Callable[[Path], Case]] = {
    "any number of workers gives the same bits": workers,
    "threads, hash seeds, time zones and languages give the same bits": environments,
    "lissnas rerun finds each result equal": repeated,
    "the oldest dependencies give the same tables to four digits": oldest,
    "the newest dependencies and another Python give the same tables to four digits": newest,
}

if __name__ == "__main__":
    main({name: _reporting(make) for name, make in CLAIMS.items()}, count=4)
