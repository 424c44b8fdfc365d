"""Change the core in small ways, one change at a time, and count how many changes its tests notice.

    python tests/mutation/run_mutants.py [--sample 20] [--seed 0] [--survivors] [PACKAGE ...]

Draws `--sample` mutants of each package and runs the tests of the changed module, until one fails. Results are in
docs/measured/mutants.csv; a mutant that is there is not run again, unless its file or the tests changed. A mutant
whose code is gone is dropped. Survivors keep the reason that a person wrote beside them. A mutant that runs ten times
as long as the unchanged code counts as killed.
"""

import argparse
import csv
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lissnas.storage.atomic_write import atomic_write
from mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]

TOOLKIT = ROOT / "toolkit"

FILE = ROOT / "docs" / "measured" / "mutants.csv"

PACKAGES = ("spaces", "subspaces", "evaluation", "statistics", "locality", "predictors", "shrinkers")

HEADING = ("package", "file", "line", "before", "after", "outcome", "version", "reason")

_SLOWEST = 10
"""How many times as long as the tests of the unchanged module those of a mutant may take."""


_PAGES = dict.fromkeys(("predictors", "shrinkers"), ROOT / "tests" / "docs" / "test_method_pages.py")
"""Tests of the defaults of a package's settings, which are those of the pages that users read."""


def find_tests(module: Path) -> list[Path]:
    """Return the tests of a module: those of its package that name it, its own first; without any, all of them.

    The tests of the pages that show the defaults of its settings are added.
    """
    named = re.compile(rf"\b{re.escape('.'.join(module.with_suffix('').parts))}\b")
    package = sorted((ROOT / "tests" / "toolkit" / module.parts[1]).rglob("test_*.py"))
    found = [path for path in package if path.stem == f"test_{module.stem}" or named.search(path.read_text())]
    found = sorted(found, key=lambda path: path.stem != f"test_{module.stem}") or package
    return [*found, *filter(None, [_PAGES.get(module.parts[1])])]


def run_tests(files: list[Path], toolkit: Path, limit: float | None) -> tuple[str, float]:
    """Return whether the tests of a changed toolkit notice the change, and their duration."""
    paths = [str(toolkit), *(str(ROOT / layer) for layer in ("benchmarks", "analyses"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", "-m", "not slow"]
    started = time.monotonic()
    try:
        ended = subprocess.run(
            [*command, *map(str, files)], cwd=ROOT, env=environment, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed, too slow", time.monotonic() - started
    return "killed" if ended.returncode else "survived", time.monotonic() - started


def version_of(source: str, files: list[Path]) -> str:
    """Return a checksum of a changed module and its tests."""
    content = [source.encode(), *(path.read_bytes() for path in files)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


def every_mutant(package: str) -> list[Mutant]:
    """Return all mutants of a package."""
    files = [path for path in sorted((TOOLKIT / "lissnas" / package).rglob("*.py")) if path.stem != "__init__"]
    return [mutant for file in files for mutant in mutants(file.relative_to(TOOLKIT), TOOLKIT)]


def sampled(package: str, options: argparse.Namespace) -> list[Mutant]:
    """Return random mutants of a package, the same for the same seed and code."""
    every = every_mutant(package)
    return random.Random(f"{package} {options.seed}").sample(every, min(options.sample, len(every)))


def _survivors(package: str, known: dict[str, dict[str, str]]) -> list[Mutant]:
    survived = {name for name, row in known.items() if row["outcome"] == "survived"}
    return [mutant for mutant in every_mutant(package) if mutant.name in survived]


def main() -> None:
    """Run what the table lacks, and store each result at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--sample", type=int, default=20, help="number of mutants of each package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", action="store_true", help="only run those of the table that survived again")
    options = parser.parse_args()
    exist = {mutant.name for package in PACKAGES for mutant in every_mutant(package)}
    known = {name: row for name, row in _read().items() if name in exist}
    usual: dict[Path, float] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        toolkit = Path(folder) / "toolkit"
        shutil.copytree(TOOLKIT, toolkit, ignore=shutil.ignore_patterns("__pycache__"))
        for package in options.packages:
            for mutant in _survivors(package, known) if options.survivors else sampled(package, options):
                files = find_tests(mutant.file)
                source = mutant.source(TOOLKIT)
                version = version_of(source, files)
                row = known.get(mutant.name)
                if row is not None and row["version"] == version:
                    continue
                if mutant.file not in usual:
                    outcome, usual[mutant.file] = run_tests(files, toolkit, None)
                    if outcome != "survived":
                        sys.exit(f"{mutant.file}: the tests fail without a change: {' '.join(map(str, files))}")
                (toolkit / mutant.file).write_text(source)
                outcome, _ = run_tests(files, toolkit, 30 + _SLOWEST * usual[mutant.file])
                shutil.copy(TOOLKIT / mutant.file, toolkit / mutant.file)
                reason = row["reason"] if row is not None and outcome == "survived" else ""
                values = (package, mutant.file, mutant.line, mutant.before, mutant.after, outcome, version, reason)
                known[mutant.name] = dict(zip(HEADING, map(str, values), strict=True))
                _write(known)
                print(f"{outcome:16} {mutant.file}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    _summarize(known)


def _read() -> dict[str, dict[str, str]]:
    if not FILE.exists():
        return {}
    with FILE.open(newline="") as file:
        return {f"{row['file']}:{row['line']}: {row['before']} -> {row['after']}": row for row in csv.DictReader(file)}


def _write(rows: dict[str, dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADING, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows.values(), key=lambda row: (row["file"], int(row["line"]), row["after"])))
    with atomic_write(FILE) as file:
        file.write(text.getvalue().encode())


def _summarize(rows: dict[str, dict[str, str]]) -> None:
    for package in (*PACKAGES, "all"):
        outcomes = [row["outcome"] for row in rows.values() if package in (row["package"], "all")]
        killed = sum(outcome.startswith("killed") for outcome in outcomes)
        if outcomes:
            print(f"{package:12} {killed} of {len(outcomes)} killed: {killed / len(outcomes):.0%}")
    for row in rows.values():
        if row["outcome"] == "survived":
            change = f"{row['before']}  ->  {row['after']}"
            print(f"survived: {row['file']}:{row['line']}: {change}  {row['reason'] or '(no reason yet)'}")


if __name__ == "__main__":
    main()
