"""The checks for a GPU run in their small form on the processor, and continue from their file."""

import json
import sys
from pathlib import Path

import check
import pytest


@pytest.mark.slow
def test_the_small_form_passes_and_a_second_call_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Speeds are not judged, and compiling and the stages take minutes: other tests run them."""
    names = ("agreement", "profile", "loading", "scoring", "resuming")
    monkeypatch.setattr(sys, "argv", ["check.py", "--small", "--out", str(tmp_path), *names])
    status = check.main()
    first = capsys.readouterr().out
    assert status == 0, first
    results = json.loads((tmp_path / "processor-small.json").read_text())
    verdicts = {name: results[name]["verdict"] for name in names}
    assert verdicts == {
        "agreement": "pass", "profile": "not here", "loading": "not here", "scoring": "pass", "resuming": "pass",
    }  # fmt: skip
    assert check.main() == 0
    assert capsys.readouterr().out == first
