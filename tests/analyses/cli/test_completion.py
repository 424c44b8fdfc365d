"""Shell completion: a real bash runs the script that `lissnas --install-completion` writes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from command import Command

_COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
completes=$(complete -p lissnas | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$completes lissnas "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
echo "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(lissnas: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("bash"):
        pytest.skip("there is no bash here")
    home = tmp_path_factory.mktemp("home")
    path = home / "completion.bash"
    words = ("--install-completion", "--shell", "bash", "--output", str(path))
    assert lissnas(*words, folder=home, HOME=str(home)).returncode == 0
    return path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("lissnas loc", {"locality"}),
        ("lissnas data ch", {"check"}),
        ("lissnas locality nas-bench-g", {"nas-bench-graph", "nas-bench-graph-proteins"}),
        ("lissnas data get nas-bench-30", {"nas-bench-301", "nas-bench-301-trained", "nas-bench-301-v0.9"}),
        ("lissnas shrink nas-bench-graph --method operation", {"operation-pruning"}),
        ("lissnas search nas-bench-graph --optimizer tp", {"tpe"}),
        ("lissnas cite hw", {"hw-nas-bench", "hw-nas-bench-360"}),
        ("lissnas tau nas-bench-graph --js", {"--json"}),
    ],
)
def test_names_complete_in_bash(typed: str, offered: set[str], script: Path) -> None:
    called = subprocess.run(
        ["bash", "-c", _COMPLETE, "bash", str(script), *typed.split()], capture_output=True, text=True, check=True
    )
    assert set(called.stdout.split()) == offered
