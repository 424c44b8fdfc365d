"""The checks for a GPU run in their small form on the processor, and continue from their file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "check.py"


def _check(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), "--small", "--out", str(folder), *names]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_the_small_form_passes_and_a_second_call_repeats_nothing(tmp_path: Path) -> None:
    """Speeds are not judged, and compiling and the stages take minutes: other tests run them."""
    names = ("agreement", "profile", "loading", "scoring", "resuming")
    first = _check(tmp_path, *names)
    assert first.returncode == 0, first.stdout + first.stderr
    results = json.loads((tmp_path / "processor-small.json").read_text())
    verdicts = {name: results[name]["verdict"] for name in names}
    assert verdicts == {
        "agreement": "pass", "profile": "not here", "loading": "not here", "scoring": "pass", "resuming": "pass",
    }  # fmt: skip
    assert _check(tmp_path, *names).stdout == first.stdout
