"""One process at a time: the first makes a file that all others read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lissnas.errors import LissnasError


@contextmanager
def first_writer(path: Path) -> Iterator[None]:
    """Keep other processes out while a file is made or read; its folder is made.

    Raises LissnasError if the folder cannot be written.
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
