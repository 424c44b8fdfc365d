"""The cache of imported benchmarks: where each of them is, and how one is replaced safely."""

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lissnas.errors import LissnasError

from lissnas_benchmarks.adapter import Adapter
from lissnas_benchmarks.surrogates.surrogate import DESCRIPTION, SurrogateAdapter


def cached_path(adapter: Adapter) -> Path:
    """Return the path of a benchmark in the cache: the file of its table, or the folder of its models."""
    return surrogate_folder(adapter.name) if isinstance(adapter, SurrogateAdapter) else table_path(adapter.name)


def is_cached(adapter: Adapter) -> bool:
    """Return whether the cache has a benchmark."""
    path = cached_path(adapter)
    return (path / DESCRIPTION).exists() if isinstance(adapter, SurrogateAdapter) else path.exists()


def surrogate_folder(name: str) -> Path:
    """Return the folder of a surrogate's models in the cache."""
    return cache_folder() / "surrogates" / name


def cache_folder() -> Path:
    """Return the folder of the cache: LISSNAS_CACHE if it is set, otherwise the user's cache folder.

    Raises LissnasError if LISSNAS_CACHE starts with the home folder of an unknown user.
    """
    if folder := os.environ.get("LISSNAS_CACHE"):
        try:
            return Path(folder).expanduser()
        except RuntimeError as error:
            raise LissnasError(f"LISSNAS_CACHE={folder}: {error}: set it to another folder") from error
    import platformdirs

    return Path(platformdirs.user_cache_dir("lissnas", appauthor=False))


def download_folder(name: str) -> Path:
    """Return the folder that a benchmark's official files are downloaded to."""
    return cache_folder() / "downloads" / name


def table_path(name: str) -> Path:
    """Return the path of a benchmark's table in the cache."""
    return cache_folder() / "tables" / f"{name}.parquet"


def make_folder(folder: Path) -> None:
    """Make a folder of the cache and its parents; raises LissnasError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LissnasError(
            f"{folder}: cannot be made ({error.strerror}): set LISSNAS_CACHE to another folder"
        ) from error


@contextmanager
def replacing(path: Path, on_wait: Callable[[], None]) -> Iterator[Path]:
    """Yield a path of the same name in a temporary folder next to `path`, in which to build its replacement.

    One process at a time replaces a path; `on_wait` is called once before waiting for another one. The temporary folder
    is deleted in the end, and those of killed processes at the beginning. Raises LissnasError with the remedy if the
    cache cannot be written.
    """
    with _writing_errors(path.parent), locked(path, on_wait):
        for left_over in path.parent.glob(f".{glob.escape(path.stem)}.*/"):
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
            yield Path(folder) / path.name


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a path; waits for a process that holds it."""
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    lock = FileLock(path.with_name(f".{path.stem}.lock"))
    try:
        lock.acquire(timeout=0.1)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing_errors(folder: Path) -> Iterator[None]:
    """Turn the errors of a full or read-only disk into sentences that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise LissnasError(
                f"{folder}: no space left on the disk: free some, or set LISSNAS_CACHE to another folder"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise LissnasError(
                f"{folder}: cannot be written ({error.strerror}): set LISSNAS_CACHE to another folder"
            ) from error
        raise
