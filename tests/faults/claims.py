"""The command line of the programs in this folder: claims that are checked case by case, resumed, and kept as rows.

    python tests/faults/PROGRAM.py [CLAIM ...] [--count N] [--rows FILE]

Each program has claims. A claim has numbered cases; a case returns "" or says what failed. The program prints one line
for each claim, and ends with status 1 if a case failed.
"""

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Case = Callable[[int], str]
"""Does the case of a number, from 0 on; returns "" or what failed."""

_MAX_FAILURES = 20
"""Number of failures of a claim that are kept; all are counted."""


class CannotRunError(Exception):
    """This machine lacks what a claim needs; the message says what."""


def main(claims: Mapping[str, Callable[[Path], Case]], count: int) -> None:
    """Check the claims that the command line names; a claim makes its case from an empty folder of its own.

    Parameters
    ----------
    claims
        The claims by what they promise, in words.
    count
        Default number of cases of each claim.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("claims", nargs="*", help="words of the claims to check; default: all")
    parser.add_argument("--count", type=int, default=count, help="number of cases of each claim")
    parser.add_argument("--rows", type=Path, help="JSON file of the rows; a program that was stopped resumes from it")
    options = parser.parse_args()
    rows = _read(options.rows)
    failed = False
    for name, make in claims.items():
        if options.claims and not any(word in name for word in options.claims):
            continue
        row = _check(name, make, options.count, rows, options.rows)
        failed |= bool(row["failed"])
        print(_line(row), flush=True)
        for failure in row["failures"]:
            print(f"    {failure}", flush=True)
    sys.exit(int(failed))


def _check(
    name: str, make: Callable[[Path], Case], count: int, rows: dict[str, dict[str, Any]], path: Path | None
) -> dict[str, Any]:
    """Check the cases of a claim that the rows lack, and return its row."""
    row = rows.get(name)
    if row is None or row["failed"] or row["skipped"]:
        row = {"claim": name, "cases": 0, "failed": 0, "failures": [], "seconds": 0.0, "skipped": ""}
    if row["cases"] >= count:
        return row
    started, before = time.monotonic(), row["seconds"]
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        try:
            case = make(Path(folder))
            while row["cases"] < count:
                failure = case(row["cases"])
                row["cases"] += 1
                if failure:
                    row["failed"] += 1
                    row["failures"] = [*row["failures"], f"case {row['cases'] - 1}: {failure}"][:_MAX_FAILURES]
                row["seconds"] = round(before + time.monotonic() - started, 1)
                _write(path, rows, row)
        except CannotRunError as error:
            row["skipped"] = str(error)
            _write(path, rows, row)
    return row


def _line(row: dict[str, Any]) -> str:
    if row["skipped"]:
        return f"skipped  {row['claim']}: {row['skipped']}"
    verdict = "FAILED " if row["failed"] else "ok     "
    return f"{verdict}  {row['claim']}: {row['failed']} of {row['cases']:,} cases failed, {row['seconds']:.0f} s"


def _read(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    return {row["claim"]: row for row in json.loads(path.read_bytes())}


def _write(path: Path | None, rows: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    """Add a row to the file, so that a table of all programs can be made of such files."""
    row["figure"] = f"{row['failed']} of {row['cases']:,} cases failed"
    row["program"] = f"python tests/faults/{Path(sys.argv[0]).name}"
    row["date"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    row["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    rows[row["claim"]] = row
    if path is not None:
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(list(rows.values()), indent=1))
        with suppress(OSError):
            temporary.replace(path)
