"""Fuzzes the readers one after another and prints a table: python tests/fuzz/run.py [INPUTS [READER ...]].

INPUTS is the number of inputs for each reader, by default 5,500; slow readers get a share of it. The findings are in a
folder that is printed at the end.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else 5500
    names = sys.argv[2:] or list(TARGETS)
    kept = Path(tempfile.mkdtemp(prefix="fuzz-"))
    total = {"inputs": 0, "outcomes": 0, "findings": 0, "seconds": 0}
    print(f"{'reader':<32}{'inputs':>10}{'outcomes':>10}{'findings':>10}{'seconds':>10}")
    for name in names:
        row = fuzz(name, round(inputs * TARGETS[name].share), kept)
        total = {key: total[key] + row[key] for key in total}
        print(f"{name:<32}" + "".join(f"{number:>10,}" for number in row.values()), flush=True)
    print(f"{'total':<32}" + "".join(f"{number:>10,}" for number in total.values()))
    print(f"findings are in {kept}")


if __name__ == "__main__":
    main()
