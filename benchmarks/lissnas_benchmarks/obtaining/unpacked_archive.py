"""Unpack a tar or ZIP archive as it was downloaded, into a temporary folder and within limits."""

import errno
import lzma
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lissnas.errors import LissnasError

from lissnas_benchmarks.errors import BenchmarkFileError, first_line

_MAX_FILES = 200_000
"""Maximum number of files; NATS-Bench has 32,769."""

_MAX_BYTES = 1 << 36
"""Maximum size of all files."""

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of the disk; any other one comes from the content of the archive, such as a file that is also a folder."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The accepted compression methods of ZIP archives; others can take gigabytes of memory."""


@contextmanager
def unpacked_archive(path: Path, parent: Path) -> Iterator[Path]:
    """Unpack all files of an archive into a temporary folder in `parent`, and yield that folder.

    Raises
    ------
    BenchmarkFileError
        If the archive is damaged, contains a path that leads out of it, or exceeds the limits: 200,000 files, 64 GiB.
    LissnasError
        If the disk has too little space.
    """
    with tempfile.TemporaryDirectory(dir=parent, prefix=".unpacked.") as folder:
        try:
            _unpack(path, Path(folder))
        except (
            *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
            *(EOFError, ValueError, RuntimeError, NotImplementedError, IndexError, struct.error),
        ) as error:
            raise BenchmarkFileError(f"{path.name}: not a complete archive ({first_line(error)})") from error
        except OSError as error:
            if error.errno in _DISK_ERRORS:
                raise
            raise BenchmarkFileError(f"{path.name}: not a complete archive ({first_line(error)})") from error
        yield Path(folder)


def _unpack(path: Path, folder: Path) -> None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type not in _METHODS for entry in entries):
                raise BenchmarkFileError(f"{path.name}: compressed by another method than deflate")
            if any(".." in entry.filename.split("/") or entry.filename.startswith("/") for entry in entries):
                raise BenchmarkFileError(f"{path.name}: contains a path that leads out of it")
            _check(path, folder, len(entries), sum(entry.file_size for entry in entries))
            archive.extractall(folder)
        return
    with tarfile.open(path, "r|*") as packed:
        total = 0
        for count, member in enumerate(packed, 1):
            packed.members = []  # type: ignore[attr-defined]  # otherwise tarfile keeps every entry
            total += max(0, member.size)
            _check(path, folder, count, total, member.size)
            if member.isreg() or member.isdir():  # links and devices are no data
                packed.extract(member, folder, filter="data")


def _check(path: Path, folder: Path, files: int, size: int, next_size: int | None = None) -> None:
    if files > _MAX_FILES or size > _MAX_BYTES:
        raise BenchmarkFileError(
            f"{path.name}: unpacks to more than {_MAX_FILES:,} files or {_MAX_BYTES / 1e9:.0f} GB, more than any "
            f"official archive"
        )
    needed, free = size if next_size is None else next_size, shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder.parent}: unpacking {path.name} needs {needed / 1e9:.1f} GB more, and {free / 1e9:.1f} GB are "
            f"free: free some, or set LISSNAS_CACHE to another folder"
        )
