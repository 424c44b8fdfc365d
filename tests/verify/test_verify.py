"""`make verify`: its programs exist, a failed claim fails it, and the table says how many cases were checked."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import verify

ROOT = Path(__file__).parents[2]

_PROGRAM = """
import json, sys
from pathlib import Path
row = {"claim": "a claim", "figure": "1 of 3 cases failed", "failed": FAILED, "failures": [], "cases": 3}
Path(sys.argv[-1]).write_text(json.dumps([row | {"skipped": "SKIPPED", "date": "today", "machine": "here"}]))
sys.exit(EXIT)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the checkout."""
    monkeypatch.setattr(verify, "ROOT", tmp_path)
    monkeypatch.setattr(verify, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(verify, "commit", lambda: "commit")
    monkeypatch.setattr(verify, "PROGRAMS", (verify.Program("program.py", 3, 50),))
    return tmp_path


def _checked(checkout: Path, monkeypatch: pytest.MonkeyPatch, *words: str, **values: object) -> tuple[int, list[str]]:
    """Run a program with these values, and return the exit status and the row of the table."""
    text = _PROGRAM
    for name, value in values.items():
        text = text.replace(name, str(value))
    (checkout / "program.py").write_text(text)
    monkeypatch.setattr(sys, "argv", ["verify.py", "--csv", str(checkout / "table.csv"), *words])
    with pytest.raises(SystemExit) as ended:
        verify.main()
    [heading, row] = csv.reader((checkout / "table.csv").read_text().splitlines())
    assert heading == list(verify.HEADING)
    return int(ended.value.code or 0), row


def test_the_table_says_which_share_of_the_cases_was_checked(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, row = _checked(checkout, monkeypatch, FAILED=0, SKIPPED="", EXIT=0)
    assert (status, row) == (
        0,
        ["a claim", "1 of 3 cases failed (of 50)", "python program.py --count 3", "today", "here"],
    )
    status, row = _checked(checkout, monkeypatch, "--long", FAILED=0, SKIPPED="", EXIT=0)
    assert row[1:3] == ["1 of 3 cases failed", "python program.py --count 50"]


def test_a_failed_claim_fails_the_check_and_a_skipped_one_says_why(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _checked(checkout, monkeypatch, FAILED=1, SKIPPED="", EXIT=1)[0] == 1
    status, row = _checked(checkout, monkeypatch, FAILED=0, SKIPPED="no GPU", EXIT=0)
    assert (status, row[1]) == (0, "skipped: no GPU")


@pytest.mark.parametrize(("failed", "status"), [(0, 1), (0, 139), (1, 0)])
def test_a_program_that_ends_otherwise_than_its_rows_fails_the_check(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, failed: int, status: int
) -> None:
    monkeypatch.setattr(verify, "table", lambda rows: f"{','.join(verify.HEADING)}\n{rows[-1]['figure']}\n")
    ended, row = _checked(checkout, monkeypatch, FAILED=failed, SKIPPED="", EXIT=status)
    assert (ended, row) == (1, [f"ended with status {status}"])


def test_the_programs_exist_and_the_page_names_each() -> None:
    page = (ROOT / "docs" / "trust.md").read_text()
    for program in verify.PROGRAMS:
        assert (ROOT / program.path).is_file()
        assert program.path in page
        assert 0 < program.count <= program.all


@pytest.mark.slow
def test_random_inputs_give_what_scipy_and_scikit_learn_give() -> None:
    command = [sys.executable, "tests/verify/world.py", "tau", "Gaussian", "--count", "20"]
    paths = ["tests/faults", *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("0 of 20 cases failed") == 2


def test_the_readme_quotes_rows_of_the_committed_table() -> None:
    with (ROOT / "docs" / "measured" / "verify.csv").open(newline="") as file:
        rows = {row["claim"]: row for row in csv.DictReader(file)}
    section = (ROOT / "README.md").read_text().partition("\n## Trust\n")[2].partition("\n## ")[0]
    quoted = re.findall(r"^\| (.+?) \| (.+?) \| `(.+?)` \|$", section, re.MULTILINE)
    assert quoted
    for claim, figure, program in quoted:
        assert (rows[claim]["figure"], rows[claim]["program"]) == (figure, program)
