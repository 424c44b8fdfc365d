"""The command line in processes forked from a server that has imported torch: faster than the installed command."""

import os
import sys
from pathlib import Path

from lissnas_analyses.cli import app


def run_command(folder: Path, *words: str) -> None:
    """Call the command line in a folder; what it prints goes to the files of `printed`."""
    rank = os.environ.get("RANK", "0")
    os.chdir(folder)
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / f"{name}-{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.argv = ["lissnas", *words]
    app.main()


def printed(folder: Path, rank: int = 0) -> tuple[str, str]:
    """Return the standard output and the standard error of a process."""
    stdout, stderr = ((folder / f"{name}-{rank}").read_text() for name in ("stdout", "stderr"))
    return stdout, stderr
