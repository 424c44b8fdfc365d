"""Fuzzes readers without atheris, by mutations alone: python tests/fuzz/plain.py [INPUTS [READER ...]].

INPUTS is the number of inputs for each reader, by default 10,000. Without a READER, those of other packages' files run.
Each input is read in this process. A crash ends it; its last input is in the folder that is printed first.
"""

import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import mutations
from lissnas.errors import LissnasError
from targets import TARGETS, other_packages
from targets.target import Target

SECONDS = 5
"""Maximum duration of a read in seconds."""

MAX_MESSAGE = 2000
"""Maximum length of an error message."""


def outcome_of(target: Target, data: bytes, path: Path) -> tuple[str, bool]:
    """Return what a reader makes of an input, in words, and whether it is a finding."""
    path.write_bytes(data)
    started, message = time.perf_counter(), ""
    try:
        target.read(path)
    except LissnasError as error:
        message = str(error)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.name}", True
    if time.perf_counter() - started > SECONDS:
        return "slow", True
    if len(message) > MAX_MESSAGE or not message.replace("\n", "").isprintable():
        return "a message that is too long or cannot be printed", True
    return (f"refused: {message[:40]}" if message else "read"), False


def fuzz(name: str, inputs: int, folder: Path) -> tuple[set[str], dict[str, bytes]]:
    """Return the outcomes of a reader, and an input for each finding."""
    target, rng = TARGETS[name], random.Random(0)
    seeds, outcomes, findings = target.inputs(), set(), {}
    path = folder / f"input{target.suffix}"
    for _ in range(inputs):
        data = rng.choice(seeds)
        for _ in range(1 + (rng.random() < 0.3)):
            data = (target.mutate if rng.random() < 0.7 else mutations.octets)(data, rng)
        outcome, is_finding = outcome_of(target, data, path)
        outcomes.add(outcome)
        if is_finding:
            findings[outcome] = data
    return outcomes, findings


def main() -> None:
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    names = sys.argv[2:] or [target.name for target in other_packages.TARGETS]
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    print(f"inputs and findings are in {folder}")
    print(f"{'reader':<32}{'inputs':>10}{'outcomes':>10}{'findings':>10}{'seconds':>10}")
    for name in names:
        started = time.monotonic()
        outcomes, findings = fuzz(name, inputs, folder)
        for number, (what, data) in enumerate(findings.items()):
            (folder / f"finding-{name.replace(' ', '-')}-{number}").write_bytes(data)
            print(f"    finding: {what}")
        counts = (inputs, len(outcomes), len(findings), round(time.monotonic() - started))
        print(f"{name:<32}" + "".join(f"{count:>10,}" for count in counts), flush=True)


if __name__ == "__main__":
    main()
