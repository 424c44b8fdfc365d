"""Unpack the needed files of a surrogate's official zip archive, within limits."""

import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from lissnas.errors import LissnasError

from lissnas_benchmarks.errors import BenchmarkFileError

_MAX_FILE_BYTES = 1 << 32
"""Maximum size of a file."""

_MAX_TOTAL_BYTES = 1 << 34
"""Maximum size of all unpacked files."""

_MAX_FILES = 10_000
"""Maximum number of unpacked files."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The accepted compression methods; others can take gigabytes of memory."""

_CHUNK = 1 << 20


@contextmanager
def unpacked(archive: Path, pattern: str, parent: Path) -> Iterator[Path]:
    """Unpack the files whose full path matches a pattern into a temporary folder, and yield that folder.

    Parameters
    ----------
    archive
        A zip archive; other files in it are ignored.
    pattern
        A regular expression.
    parent
        The folder in which the temporary folder is made.

    Raises
    ------
    BenchmarkFileError
        If the archive is damaged, contains a path that leads out of it, or exceeds the limits: 4 GiB per file, 10,000
        files, 16 GiB in total.
    LissnasError
        If the disk has too little space.
    """
    with tempfile.TemporaryDirectory(dir=parent, prefix=".unpacked.") as folder:
        try:
            with zipfile.ZipFile(archive) as opened:
                needed = [
                    entry for entry in opened.infolist() if re.fullmatch(pattern, entry.filename) and not entry.is_dir()
                ]
                _check(archive, needed, Path(folder))
                for entry in needed:
                    _unpack(opened, entry, Path(folder), archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
            raise BenchmarkFileError(f"{archive}: not a complete zip archive ({error}); download it again") from error
        yield Path(folder)


def _check(archive: Path, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise BenchmarkFileError(f"{archive}: contains {entry.filename!r}, a path that leads out of it")
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise BenchmarkFileError(f"{archive}: compressed by another method than deflate")
    needed = sum(entry.file_size for entry in entries)
    if (
        len(entries) > _MAX_FILES
        or needed > _MAX_TOTAL_BYTES
        or any(entry.file_size > _MAX_FILE_BYTES for entry in entries)
    ):
        raise BenchmarkFileError(
            f"{archive}: would unpack to {len(entries):,} files of {needed / 1e9:.1f} GB in total, more than any "
            f"official archive; download it again"
        )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder.parent}: unpacking {archive.name} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: "
            f"free some, or set LISSNAS_CACHE to another folder"
        )


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, archive: Path) -> None:
    """Write one file; raises BenchmarkFileError if it is longer than the archive states."""
    path = folder / entry.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with opened.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BenchmarkFileError(f"{archive}: {entry.filename} is longer than the archive states")
            target.write(chunk)
