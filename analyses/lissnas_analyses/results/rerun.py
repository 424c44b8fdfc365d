"""Repeat results from their manifest in a temporary folder, and say what differs."""

import io
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from lissnas.errors import LissnasError
from lissnas.storage.sealed_parquet import read_parquet_metadata

from lissnas_analyses.results.folder import read_manifest, results_below

_REPEATABLE = (
    "reproduce",
    "locality",
    "landscape",
    "compare",
    "tau",
    "ablate",
    "search",
    "supernet demo",
    "supernet study",
)
"""The commands that may be run again: each writes only below `--out`. Stages of a supernet run need their folder."""

_VARYING = {"command", "versions", "platform", "git_commit", "finished", "wall_seconds", "files"}
"""Entries of a manifest that describe the process, not the results; `files` is compared file by file."""

_SUBJECT = ("analysis", "benchmark", "benchmarks", "dataset", "datasets")
"""Entries of a manifest that tell the folders of one command apart."""

_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)

_START = "from lissnas_analyses.cli.app import main; main()"


@dataclass(frozen=True)
class RepeatedResults:
    """Results that were repeated.

    Attributes
    ----------
    results
        The folder of results, or the file of a subspace.
    command
        The command that repeated them, without its temporary folder.
    files
        Number of files that were compared.
    differences
        What differs, in sentences; empty if the results are equal.
    notes
        Differences that are no fault: other versions, and rows of earlier commands.
    """

    results: Path
    command: str
    files: int
    differences: tuple[str, ...]
    notes: tuple[str, ...]


def find_results(path: Path) -> tuple[Path, ...]:
    """Return the folders of results and the saved subspaces that a path names, or that are below it.

    Raises LissnasError if there are none.
    """
    if path.name == "manifest.json":
        return (path.parent,)
    if path.suffix == ".parquet" and path.is_file():
        return (path,)
    manifests = results_below(path)
    found = (*manifests, *sorted(path.rglob("shrunk-*.parquet")))
    if not found:
        raise LissnasError(f"{path}: no results here; name a manifest.json, a saved subspace, or a folder of results")
    return found


def repeated_command(results: Path) -> tuple[str, ...]:
    """Return the words that repeat results, without an output folder.

    Worker processes are those of this machine, because results do not depend on them.

    Raises
    ------
    LissnasError
        If the results cannot be read, or no command can repeat them.
    """
    if results.suffix == ".parquet":
        return _shrink_words(results)
    manifest = read_manifest(results)
    command = manifest.get("command")
    if not isinstance(command, str):
        raise LissnasError(f"{results}: a Python program wrote these results; run that program again")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise LissnasError(f"{results}: the command in the manifest cannot be read ({error})") from error
    if words[:1] != ["lissnas"] or not " ".join([*words[1:3], ""]).startswith(
        tuple(f"{name} " for name in _REPEATABLE)
    ):
        raise LissnasError(
            f"{results}: '{' '.join(words[:3])}' cannot be repeated in another folder; these can: "
            f"{', '.join(_REPEATABLE)}, shrink"
        )
    return tuple(_without(words[1:], ("--out", "--cluster"), ("--json",)))


def _without(words: Sequence[str], options: tuple[str, ...], flags: tuple[str, ...]) -> Iterable[str]:
    """Yield the words of a command without some options and their values, and without some flags."""
    remaining = iter(words)
    for word in remaining:
        name, equals, _ = word.partition("=")
        if name in options:
            if not equals:
                next(remaining, None)
        elif word not in flags:
            yield word


def _shrink_words(path: Path) -> tuple[str, ...]:
    described = _subspace_metadata(path)
    try:
        words = ["shrink", described["benchmark"], f"--seed={described['seed']}"]
        words += [] if described.get("rule") else [f"--method={described['method']}"]
        given = {option: described.get(option) for option in ("rule", "dataset", "metric", "evaluator")}
        words += [f"--{option}={value}" for option, value in given.items() if value is not None]
        for option, key in (("limit", "limits"), ("cheap", "cheap")):
            words += [f"--{option}={value}" for value in described.get(key, ())]
        for name, value in described["settings"].items():
            words += [f"--{name.replace('_', '-')}={value}"] if value is not None else []
    except (LookupError, AttributeError, TypeError) as error:
        raise LissnasError(f"{path}: it does not say how it was made; run 'lissnas shrink' again") from error
    if str(words[1]).startswith("-"):
        raise LissnasError(f"{path}: '{words[1]}' is not the name of a benchmark")
    return tuple(map(str, words))


def _subspace_metadata(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(read_parquet_metadata(path)["lissnas"]))
    except (*_UNREADABLE, LookupError, TypeError, RecursionError) as error:
        raise LissnasError(f"{path}: not a subspace that 'lissnas shrink' saved ({type(error).__name__})") from error


def rerun_command(words: Sequence[str], results: Sequence[Path]) -> tuple[RepeatedResults, ...]:
    """Run a command in a temporary folder, and compare all results that it made with those there.

    Parameters
    ----------
    words
        The words of the command, as `repeated_command` returns them. Files that it names are relative to the current
        folder.
    results
        Folders of results and files of saved subspaces that this command made.

    Raises
    ------
    LissnasError
        If the command fails.
    """
    with tempfile.TemporaryDirectory(prefix="lissnas-rerun-") as folder:
        _run(words, Path(folder))
        return tuple(_compared(path, words, Path(folder)) for path in results)


def _run(words: Sequence[str], folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _START, *words, "--out", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        raise LissnasError(f"'{shlex.join(['lissnas', *words])}' failed: {reason.removeprefix('lissnas: ')}")


def _compared(results: Path, words: Sequence[str], folder: Path) -> RepeatedResults:
    command = shlex.join(["lissnas", *words])
    if results.suffix == ".parquet":
        new, differences, notes = folder / results.name, list[str](), list[str]()
        if new.is_file():
            differences += _keys_that_differ(_subspace_metadata(results), _subspace_metadata(new), set())
            differences += _file_differences(results, new, notes)
        else:
            differences.append(f"{results.name}: the command did not write it")
        return RepeatedResults(results, command, 1, tuple(differences), tuple(notes))
    manifest = read_manifest(results)
    found = [each for each in results_below(folder) if _subject(each) == _subject(results)]
    if len(found) != 1:
        return RepeatedResults(results, command, 0, ("the command did not write this folder",), ())
    repeated = read_manifest(found[0])
    notes = _other_versions(manifest, repeated)
    differences = _keys_that_differ(manifest, repeated, _VARYING)
    names = sorted({*manifest["files"], *repeated["files"]} - {"manifest.json"})
    for name in names:
        if not (results / name).is_file():
            differences.append(f"{name}: missing in {results}")
        elif not (found[0] / name).is_file():
            differences.append(f"{name}: the command did not write it")
        else:
            differences += _file_differences(results / name, found[0] / name, notes)
    return RepeatedResults(results, command, len(names), tuple(differences), tuple(notes))


def _subject(folder: Path) -> list[Any]:
    manifest = read_manifest(folder)
    return [manifest.get(key) for key in _SUBJECT]


def _keys_that_differ(old: dict[str, Any], new: dict[str, Any], ignored: set[str]) -> list[str]:
    keys = [key for key in {**old, **new} if key not in ignored and old.get(key) != new.get(key)]
    return [f"manifest: other {key}" for key in keys]


def _other_versions(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, now = old["versions"], new["versions"]
    changed = [
        f"{name} {before.get(name)}, now {version}" for name, version in now.items() if before.get(name) != version
    ]
    return [f"made with {one}" for one in changed]


def _file_differences(old: Path, new: Path, notes: list[str]) -> list[str]:
    """Return how a file differs, in sentences; Parquet files are equal if their columns are."""
    if old.read_bytes() == new.read_bytes():
        return []
    if old.suffix != ".parquet":
        return [f"{old.name}: other content"]
    try:
        before, now = (pl.read_parquet(io.BytesIO(path.read_bytes())) for path in (old, new))
        if _is_row_store(old):
            before = _rows_of_this_command(before, now, old.name, notes)
    except _UNREADABLE as error:
        return [f"{old.name}: not readable ({str(error).splitlines()[0]})"]
    differences = [
        f"{old.name}: column {name} only in {'the folder' if name in before.columns else 'the repetition'}"
        for name in sorted({*before.columns} ^ {*now.columns})
    ]
    if before.height != now.height:
        return [*differences, f"{old.name}: {before.height:,} rows, {now.height:,} in the repetition"]
    for name in before.columns:
        if name in now.columns and not before[name].equals(now[name], check_dtypes=True, null_equal=True):
            differing = (before[name].ne_missing(now[name])).sum() if before[name].dtype == now[name].dtype else None
            count = f" in {differing:,} of {now.height:,} rows" if differing else ""
            differences.append(f"{old.name}: column {name} differs{count}")
    return differences


def _is_row_store(path: Path) -> bool:
    return "lissnas" in read_parquet_metadata(path)


def _rows_of_this_command(before: pl.DataFrame, now: pl.DataFrame, name: str, notes: list[str]) -> pl.DataFrame:
    """Return the stored rows that one command computes; the file also keeps those of earlier commands."""
    if before.height <= now.height or not {*now.columns} <= {*before.columns}:
        return before
    computed = set(map(repr, now.rows()))
    kept = before.filter([repr(row) in computed for row in before.select(now.columns).rows()])
    if kept.height != now.height:
        return before
    notes.append(f"{name}: {before.height - now.height:,} more rows in the folder, of earlier commands")
    return kept.select(
        column for column in kept.columns if column in now.columns or kept[column].null_count() < len(kept)
    )
