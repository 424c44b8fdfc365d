"""Fuzzes the readers one after another and prints a table.

    python tests/fuzz/run.py [--count 5500] [--rows FILE] [READER ...]

COUNT is the number of inputs for each reader; slow readers get a share of it. FILE gets a JSON row for each reader; a
reader that is there with as many inputs and no finding is not fuzzed again. The findings are in a folder that is
printed at the end. The exit status is 1 if there are any.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from targets import TARGETS

HERE = Path(__file__).parent


def fuzz(name: str, inputs: int, kept: Path) -> dict[str, int]:
    """Give a reader that many inputs, restarting when the process ends, and return the row to print."""
    done, outcomes, findings, seed = 0, set(), set(), 1
    started = time.monotonic()
    while done < inputs and seed <= 30:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
            folder = Path(place)
            ended = subprocess.run(
                [sys.executable, str(HERE / "one.py"), name, place, str(inputs - done), str(seed)],
                env={**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            report = json.loads((folder / "report.json").read_text()) if (folder / "report.json").exists() else None
            if report is None:
                sys.exit(f"{name}: could not be started:\n{ended.stderr[-2000:]}")
            done += max(report["inputs"], 1)
            outcomes |= set(report["outcomes"])
            found = set(report["findings"])
            stopped = list(folder.glob("stopped-*"))
            found |= {path.name.split("-")[1] for path in stopped}
            if ended.returncode and not stopped:
                found.add(f"exit status {ended.returncode}")
                (kept / f"{_plain(name)}-{seed}.log").write_text(ended.stderr[-5000:])
            findings |= found
            names = {_plain(what)[:80] for what in report["findings"]}
            for path in [*stopped, *(path for path in folder.iterdir() if path.stem in names)]:
                (kept / f"{_plain(name)}--{path.name}").write_bytes(path.read_bytes())
        seed += 1
    for what in sorted(findings):
        print(f"    finding: {what}", flush=True)
    return {
        "inputs": done,
        "outcomes": len(outcomes),
        "findings": len(findings),
        "seconds": round(time.monotonic() - started),
    }


def _plain(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help="default: all")
    parser.add_argument("--count", type=int, default=5500, help="number of inputs for each reader")
    parser.add_argument("--rows", type=Path, help="JSON file of the rows")
    options = parser.parse_args()
    rows = json.loads(options.rows.read_bytes()) if options.rows and options.rows.exists() else []
    known: dict[str, dict[str, Any]] = {row["claim"]: row for row in rows}
    skipped = "" if find_spec("atheris") else "atheris is not installed: pip install 'atheris>=3.0'"
    kept = Path(tempfile.mkdtemp(prefix="fuzz-"))
    total = {"inputs": 0, "outcomes": 0, "findings": 0, "seconds": 0}
    print(f"{'reader':<32}{'inputs':>10}{'outcomes':>10}{'findings':>10}{'seconds':>10}")
    for name in options.readers or list(TARGETS):
        claim, inputs = f"fuzzing the reader: {name}", round(options.count * TARGETS[name].share)
        row = known.get(claim)
        if row is None or row["failed"] or row["skipped"] or row["cases"] < inputs:
            found = dict.fromkeys(total, 0) if skipped else fuzz(name, inputs, kept)
            known[claim] = row = _row(claim, found, skipped)
            if options.rows:
                options.rows.write_text(json.dumps(list(known.values()), indent=1))
        numbers = {key: row[key] for key in total}
        total = {key: total[key] + numbers[key] for key in total}
        print(f"{name:<32}" + "".join(f"{number:>10,}" for number in numbers.values()), flush=True)
    print(f"{'total':<32}" + "".join(f"{number:>10,}" for number in total.values()))
    print(f"skipped: {skipped}" if skipped else f"findings are in {kept}")
    sys.exit(int(total["findings"] > 0))


def _row(claim: str, found: dict[str, int], skipped: str) -> dict[str, Any]:
    """Return the row of a reader, with the keys that tests/verify reads."""
    return {
        "claim": claim,
        "figure": f"{found['findings']} findings in {found['inputs']:,} inputs",
        **found,
        "cases": found["inputs"],
        "failed": found["findings"],
        "failures": [f"{found['findings']} findings"] if found["findings"] else [],
        "skipped": skipped,
        "program": "python tests/fuzz/run.py",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


if __name__ == "__main__":
    main()
