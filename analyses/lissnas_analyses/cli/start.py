"""Starts the command line: it answers Ctrl-C, closed outputs and too little memory before anything else is imported."""

import os
import sys

from lissnas_analyses.cli.shared.interrupts import end_at_interrupts, ignore_stop_signals

_MIN_ADDRESS_SPACE = 2_000_000
"""Smallest limit of 'ulimit -v' in kB: below about half of it, Polars waits for threads that cannot start."""


def main() -> None:
    """Run the command line."""
    end_at_interrupts()
    _open_closed_files()
    _check_memory()
    try:
        from lissnas_analyses.cli.app import main as run
    except (OSError, ImportError, MemoryError) as error:
        _refuse(f"cannot start ({error or type(error).__name__}): free memory, or raise the limits of 'ulimit -a'")
    try:
        run()
    finally:
        ignore_stop_signals()


def _open_closed_files() -> None:
    """Open standard files that the caller closed, so that no other file takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _check_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < 1024 * _MIN_ADDRESS_SPACE:
        _refuse(
            f"'ulimit -v' limits the memory to {limit // 1024:,} kB, and lissnas needs {_MIN_ADDRESS_SPACE:,}: raise "
            "the limit with 'ulimit -v unlimited'"
        )


def _refuse(message: str) -> None:
    os.write(2, f"lissnas: {message}\n".encode())
    sys.exit(2)


if __name__ == "__main__":
    main()
