"""The command line in processes forked from a server that has its libraries: faster than the installed command."""

import os
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from forked_group import start_process


def run_command(folder: Path, *words: str) -> None:
    """Call the command line in a folder; what it prints goes to the files of `printed`."""
    rank = os.environ.get("RANK", "0")
    _print_to(folder / f"stdout-{rank}", folder / f"stderr-{rank}")
    _main(folder, words)


def printed(folder: Path, rank: int = 0) -> tuple[str, str]:
    """Return the standard output and the standard error of a process."""
    stdout, stderr = ((folder / f"{name}-{rank}").read_text() for name in ("stdout", "stderr"))
    return stdout, stderr


def call_command(
    folder: Path, output: Path, environment: Mapping[str, str], *words: str
) -> subprocess.CompletedProcess[str]:
    """Call the command line in a folder, and return what it printed; `output` is an empty folder for that."""
    process = start_process(_print_to_files, folder, output, dict(environment), words)
    process.join(300)
    stdout, stderr = printed(output)
    assert process.exitcode is not None
    return subprocess.CompletedProcess(words, process.exitcode, stdout, stderr)


def start_on_a_terminal(folder: Path, terminal: str, environment: Mapping[str, str], *words: str) -> BaseProcess:
    """Start the command line with a terminal, given by its file, in place of the standard files."""
    return start_process(_print_to_terminal, folder, terminal, dict(environment), words)


def _print_to_files(folder: Path, output: Path, environment: dict[str, str], words: tuple[str, ...]) -> None:
    _set_environment(environment)
    _print_to(output / "stdout-0", output / "stderr-0")
    _main(folder, words)


def _print_to_terminal(folder: Path, terminal: str, environment: dict[str, str], words: tuple[str, ...]) -> None:
    _set_environment(environment)
    os.dup2(os.open(terminal, os.O_RDWR | os.O_NOCTTY), 0)
    _print_to(terminal, terminal)
    _main(folder, words)


def _set_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))  # as a new interpreter does


def _print_to(stdout: Path | str, stderr: Path | str) -> None:
    """Replace the standard files, and the objects for them: those of the server keep what its own files can do."""
    for stream, file in ((1, stdout), (2, stderr)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOCTTY), stream)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


def _main(folder: Path, words: tuple[str, ...]) -> None:
    """Call the command line as its installed script does, with small figures, as those of all tests."""
    os.chdir(folder)
    sys.argv = ["lissnas", *words]
    make_figures_small()
    from lissnas_analyses.cli.start import main  # it makes objects for the standard files that there are now

    main()


def make_figures_small() -> None:
    """Draw small figures in this process, as the fixture `small_figures` does."""
    from lissnas_analyses import style
    from lissnas_analyses.comparison import pocket_map

    pocket_map.BACKGROUND = 200
    style._STYLE["savefig.dpi"] = 50
