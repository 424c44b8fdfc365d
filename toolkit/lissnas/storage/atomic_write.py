"""Writing a file whole: beside its place, then moved there, so that no half-written one is ever seen."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock

from lissnas.errors import LissnasError


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its place when the context ends well, and leaves nothing if it does not.

    It is on the disk before it takes its place, so that a computer that loses its power leaves none without content.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            yield file
        with beside.open("rb+") as written:  # whoever wrote may have closed it
            os.fsync(written.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):  # where it never came to be
            beside.unlink()
        raise


@contextmanager
def exclusive_access(path: Path) -> Iterator[None]:
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
