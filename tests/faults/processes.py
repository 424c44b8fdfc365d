"""Processes to be killed: a function runs in a fork, and is killed at a moment or at its n-th file operation.

A fork has all modules imported, so that a case takes as long as its work. The parent must not have used Polars: its
threads do not survive a fork.
"""

import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

FAULT = Callable[[], Any]


def kill_this_process() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_file_operation(number: int, fault: FAULT, under: Path) -> Callable[[], int]:
    """Let the `number`-th operation that changes files below a folder do `fault`; return what counts the operations.

    Operations are files that are opened to be written, synced to the disk, renamed, deleted, and folders made and
    deleted. What is written to an open file is not an operation, so a file may be empty when the fault comes.
    """
    prefix, count = str(under), 0

    def operation() -> None:
        nonlocal count
        count += 1
        if count == number:
            fault()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if (opened or event in _CHANGES) and str(arguments[0]).startswith(prefix):
            operation()

    sync = os.fsync

    def counted_sync(file: int) -> None:
        operation()
        sync(file)

    sys.addaudithook(watch)
    os.fsync = counted_sync
    return lambda: count


def hear_signals() -> None:
    """Let Ctrl-C and SIGHUP end this process, which may have been started where both are ignored.

    A shell makes its background processes ignore Ctrl-C, nohup lets a process ignore SIGHUP, and children inherit both.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (negative for a signal), what it printed, and its seconds."""

    status: int
    output: str
    seconds: float


def start(work: Callable[[], object], log: Path, folder: Path | None = None, **environment: str) -> int:
    """Run a function in a fork, and return its process id; it prints to the file `log`."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, about threads
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
        hear_signals()
        os.environ.update(environment)
        if folder is not None:
            os.chdir(folder)
        work()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                status = status or 120
        os._exit(status)


def wait(child: int, log: Path, seconds: float = 120, started: float | None = None) -> Ended:
    """Wait for a process; kill its group and report status 124 if it does not end."""
    started = time.monotonic() if started is None else started
    while True:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - started > seconds:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Ended(124, log.read_text(errors="replace"), time.monotonic() - started)
        time.sleep(0.002)
    return Ended(os.waitstatus_to_exitcode(code), log.read_text(errors="replace"), time.monotonic() - started)


def run(work: Callable[[], object], log: Path, folder: Path | None = None, **environment: str) -> Ended:
    """Run a function in a fork to its end."""
    return wait(start(work, log, folder, **environment), log)


def run_and_kill(
    work: Callable[[], object], seconds: float, log: Path, folder: Path | None = None, **environment: str
) -> Ended:
    """Run a function in a fork, and kill it and its workers after some seconds."""
    started = time.monotonic()
    child = start(work, log, folder, **environment)
    while time.monotonic() - started < seconds:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            return Ended(os.waitstatus_to_exitcode(code), log.read_text(errors="replace"), time.monotonic() - started)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    with suppress(ProcessLookupError):  # it was killed before it became the leader of a group
        os.killpg(child, signal.SIGKILL)
    return wait(child, log)


def lissnas(*words: str) -> None:
    """Run the command line in this process."""
    from lissnas_analyses.cli import app

    sys.argv = ["lissnas", *words]
    app.main()
