"""Short runs of the programs in this folder: few cases of each claim that is quick to check."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

SHORT = {
    "damage.py": ["2", "table", "curve", "journal", "subspace"],
    "downloads.py": ["40"],
    "faults.py": ["3", "takes nothing"],
    "kills.py": ["4", "a save", "an import", "a journal"],
    "signals.py": ["2", "half second"],
    "supernet_kills.py": ["2", "search"],
}
"""The number of cases of each program, and words of the claims."""


@pytest.mark.slow
@pytest.mark.parametrize("program", SHORT)
def test_a_short_run_of_each_program_finds_no_failure(program: str, tmp_path: Path) -> None:
    count, *claims = SHORT[program]
    command = [sys.executable, str(HERE / program), *claims, "--count", count, "--rows", str(tmp_path / "rows.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) >= len(claims)
