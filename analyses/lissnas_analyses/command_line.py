"""The command line that this process was called with, for what it leaves behind."""

import shlex
import sys
from pathlib import Path


def command_line() -> str | None:
    """Return the command as a shell takes it; None if this process is another program."""
    return shlex.join(["lissnas", *sys.argv[1:]]) if Path(sys.argv[0]).name == "lissnas" else None
