"""Check every claim of docs/trust.md, and print one table: claim, figure, program, date, machine.

    python tests/verify/verify.py [--long] [--csv FILE] [PROGRAM ...]

`make verify` checks a share of the cases of each claim, in under 30 minutes on two cores; `make verify-long` checks all
cases, takes as long as it needs, and writes docs/measured/verify.csv. Both resume: a case that was checked at the same
commit, without changes since, is not checked again. The exit status is 1 if a claim fails. A claim is skipped, with its
reason, if this machine lacks what it needs.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lissnas.storage.atomic_write import atomic_write

ROOT = Path(__file__).parents[2]

KEPT = ROOT / "results" / "verify"
"""The rows of each commit, which is how a run resumes."""

HEADING = ("claim", "figure", "program", "date", "machine")

_SHARED = ("tests/faults", "tests/coverage")
"""Folders of modules that several programs import."""


@dataclass(frozen=True)
class Program:
    """A program that checks claims, and how many cases of each.

    It takes `--count` and `--rows FILE`, ends with status 1 if a claim fails, and writes a list of rows with at least
    the keys claim, figure, failed, failures, skipped, date and machine.

    Attributes
    ----------
    path
        The program.
    count, all
        Number of cases of each claim for `make verify`, and for `make verify-long`.
    words
        Words that choose some of its claims; none for all.
    alone
        Whether it measures times, so that nothing else should run.
    """

    path: str
    count: int
    all: int
    words: tuple[str, ...] = ()
    alone: bool = False

    @property
    def name(self) -> str:
        """Name of its file of rows."""
        return "-".join([Path(self.path).parent.name, Path(self.path).stem, *self.words])


PROGRAMS = (
    Program("tests/faults/kills.py", 8, 100),
    Program("tests/faults/faults.py", 8, 100),
    Program("tests/fuzz/run.py", 1_500, 5_500),
    Program("tests/faults/signals.py", 9, 27),
    Program("tests/verify/same_bits.py", 8, 32),
    Program("tests/verify/world.py", 6, 6, ("canonical",)),
    Program("tests/faults/supernet_kills.py", 8, 100),
    Program("tests/faults/damage.py", 60, 517),
    Program("tests/verify/world.py", 4, 12, ("locality", "optima")),
    Program("tests/verify/world.py", 8, 132, ("coverage",)),
    Program("tests/verify/world.py", 2_000, 10_000, ("tau",)),
    Program("tests/verify/world.py", 1_000, 1_000, ("Gaussian",)),
    Program("tests/faults/downloads.py", 144, 144),
    Program("tests/speed/peers.py", 5, 7, alone=True),
)
"""Every program whose claims are checked: those that take longest first, so that both cores are busy to the end."""


def commit() -> str:
    """Return the commit of this checkout, with a checksum of the changes since."""

    def git(*words: str) -> bytes:
        try:
            return subprocess.run(("git", *words), cwd=ROOT, check=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError):
            sys.exit(f"{ROOT} is not a git checkout: clone the repository to check its claims")

    changes = git("diff", "HEAD", "--", ".", ":!docs/measured/verify.csv")
    return git("rev-parse", "HEAD").decode()[:12] + (f"-{hashlib.sha256(changes).hexdigest()[:8]}" if changes else "")


def run(program: Program, folder: Path, long: bool) -> list[dict[str, Any]]:
    """Check the claims of a program that its file of rows lacks, and return all its rows."""
    count = program.all if long else program.count
    rows = folder / f"{program.name}.json"
    command = [sys.executable, program.path, *program.words, "--count", str(count), "--rows", str(rows)]
    paths = [*(str(ROOT / name) for name in _SHARED), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    started = time.monotonic()
    with (folder / f"{program.name}.log").open("wb") as log:
        ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    found: list[dict[str, Any]] = json.loads(rows.read_bytes()) if rows.exists() else []
    if ended.returncode not in (0, 1) or (ended.returncode == 1) != any(row["failed"] for row in found):
        stopped = {"claim": f"{program.path} runs", "figure": f"ended with status {ended.returncode}", "failed": 1}
        found.append(stopped | {"failures": [f"see {log.name}"], "skipped": "", "date": "", "machine": ""})
    print(f"{program.name}: {len(found)} claims, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return [row | {"figure": _figure(row, program, count), "program": _shown(program, count)} for row in found]


def _shown(program: Program, count: int) -> str:
    return " ".join(["python", program.path, *program.words, "--count", str(count)])


def _figure(row: dict[str, Any], program: Program, count: int) -> str:
    """Return what the table says: the reason of a skipped claim, or the figure and the number of all cases."""
    if row["skipped"]:
        return f"skipped: {row['skipped']}"
    is_share = count < program.all and row.get("cases") == count and not program.alone
    return f"{row['figure']} (of {program.all:,})" if is_share else str(row["figure"])


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADING, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Run the programs, those that measure no times two at once, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="words of programs; default: all")
    parser.add_argument("--long", action="store_true", help="check all cases")
    parser.add_argument("--csv", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    folder = KEPT / commit()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in PROGRAMS if all(word in one.name for word in options.programs)]
    started = time.monotonic()
    together = [one for one in chosen if not one.alone]
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda program: run(program, folder, options.long), together))
    results += [run(program, folder, options.long) for program in chosen if program.alone]
    rows = [row for found in results for row in found]
    for row in rows:
        print("FAILED" if row["failed"] else "ok    ", " | ".join(str(row[key]) for key in HEADING))
        for failure in row["failures"]:
            print(f"           {failure}")
    failed, skipped = (sum(bool(row[key]) for row in rows) for key in ("failed", "skipped"))
    print(
        f"{len(rows)} claims: {failed} failed, {skipped} skipped; {(time.monotonic() - started) / 60:.1f} minutes; "
        f"rows in {folder.relative_to(ROOT)}"
    )
    if options.csv:
        with atomic_write(options.csv) as file:
            file.write(table(rows).encode())
    sys.exit(int(failed > 0))


if __name__ == "__main__":
    main()
