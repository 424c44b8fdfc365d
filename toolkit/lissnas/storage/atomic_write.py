"""Safe writing of files: all or nothing, and by one process at a time."""

import glob
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from lissnas.errors import LissnasError

try:
    import fcntl
except ImportError:  # Windows deletes no open file, so it needs no lock
    fcntl = None  # type: ignore[assignment]

_SECONDS_OF_SILENCE = 0.2
"""Time to wait for a lock before the user is told about it."""


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` when the context ends; after an error, `path` stays as it was.

    The content is on the disk before it replaces `path`, so that a power failure leaves no empty file. Temporary files
    that a killed process left next to `path` are deleted.

    Examples
    --------
    >>> with atomic_write(Path("scores.json")) as file:
    ...     size = file.write(b"[93.1, 94.2]")
    """
    _delete_leftovers(path)
    temporary, lock = _create_temporary(path)
    try:
        with temporary.open("wb") as file:
            yield file
        with temporary.open("rb+") as written:  # the caller may have closed `file`
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(lock)


def _create_temporary(path: Path) -> tuple[Path, int]:
    """Create a temporary file next to `path`, and return it with an open descriptor that holds its lock."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        lock = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        with suppress(OSError):  # a network file system without locks, where leftovers are not deleted either
            _lock(lock)
        if os.fstat(lock).st_nlink:
            return temporary, lock
        os.close(lock)  # another process took it for a leftover before it was locked


def _delete_leftovers(path: Path) -> None:
    """Delete the temporary files of `path` that no process has locked."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError), leftover.open("rb") as file:
            _lock(file.fileno())
            leftover.unlink()


def _lock(descriptor: int) -> None:
    """Lock an open file; raises OSError if another process has the lock."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def lock_file(path: Path, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock file at `path`, and delete it in the end.

    If another process holds it, `on_wait` is called once before this one waits.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_SECONDS_OF_SILENCE)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        # A process that opened the file before it was deleted finds out, and locks a new one.
        with suppress(OSError):  # Windows deletes no open file; there the release deletes it
            path.unlink()
        lock.release()


@contextmanager
def exclusive_access(path: Path) -> Iterator[None]:
    """Keep other processes out while this one makes or reads a file; make its folder.

    The first process makes the file, and all others read it. Raises LissnasError if the folder cannot be written.
    """
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        yield
    finally:
        lock.release()
