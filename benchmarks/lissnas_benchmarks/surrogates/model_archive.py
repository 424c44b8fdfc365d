"""A surrogate's official zip archive, from which only the files that are read are unpacked, within limits."""

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

_LARGEST = 1 << 32
"""How many bytes a file may have."""

_IN_ALL = 1 << 34
"""How many bytes the files may have together."""

_MOST = 10_000
"""How many files may be unpacked."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others can take gigabytes of memory to unpack."""

_CHUNK = 1 << 20


@contextmanager
def unpacked(archive: Path, pattern: str, beside: Path) -> Iterator[Path]:
    """Unpack the files whose whole path matches a pattern into a folder that is gone in the end.

    Parameters
    ----------
    archive
        A zip archive; what else it holds is passed over.
    pattern
        A regular expression.
    beside
        In which folder the new one is made.

    Raises
    ------
    BenchmarkFileError
        If it is no whole zip archive, names a place outside itself, or exceeds the limits: files of 4 GiB, 10,000 of
        them, 16 GiB in all.
    LissnasError
        If the disk has too little space.
    """
    with tempfile.TemporaryDirectory(dir=beside, prefix=".unpacked.") as folder:
        try:
            with zipfile.ZipFile(archive) as opened:
                wanted = [
                    entry for entry in opened.infolist() if re.fullmatch(pattern, entry.filename) and not entry.is_dir()
                ]
                _check(archive, wanted, Path(folder))
                for entry in wanted:
                    _unpack(opened, entry, Path(folder), archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
            raise BenchmarkFileError(f"{archive}: no whole zip archive ({error}); download it again") from error
        yield Path(folder)


def _check(archive: Path, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise BenchmarkFileError(f"{archive}: names a place outside itself ({entry.filename!r})")
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise BenchmarkFileError(f"{archive}: not packed by deflation, as the official archive is")
    needed = sum(entry.file_size for entry in entries)
    if len(entries) > _MOST or needed > _IN_ALL or any(entry.file_size > _LARGEST for entry in entries):
        raise BenchmarkFileError(
            f"{archive}: would unpack to {len(entries):,} files of {needed / 1e9:.1f} GB in all; no archive of models "
            f"is as large"
        )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder.parent}: unpacking {archive.name} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: "
            f"free some, or set LISSNAS_CACHE to another folder"
        )


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, archive: Path) -> None:
    """Write one file, no longer than the archive says it is."""
    path = folder / entry.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with opened.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BenchmarkFileError(f"{archive}: {entry.filename} is longer than the archive says")
            target.write(chunk)
