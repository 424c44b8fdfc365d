"""Safe writing of files: all or nothing, and by one process at a time."""

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
    """Open a new file that replaces `path` when the context ends; after an error, `path` stays as it was.

    The content is on the disk before it replaces `path`, so that a power failure leaves no empty file.

    Examples
    --------
    >>> with atomic_write(Path("scores.json")) as file:
    ...     size = file.write(b"[93.1, 94.2]")
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        with temporary.open("rb+") as written:  # the caller may have closed `file`
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # if the temporary file was never created
            temporary.unlink()
        raise


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
