"""Read the small files of a folder or an archive in memory, within limits; nothing is unpacked to the disk."""

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, TypeVar, cast

from lissnas_benchmarks.errors import BenchmarkFileError

_MAX_FILE_BYTES = 1 << 16
"""Maximum size of a file."""

_MAX_FILES = 20_000
"""Maximum number of files, including those that do not match the pattern."""

_MAX_TOTAL_BYTES = 1 << 26
"""Maximum size of all files, decompressed; the largest official archive has a third of that."""

_STREAMABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compression methods that zipfile decompresses piece by piece; it decompresses the others at once."""

_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_archive(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name, without folders, and the content of each file whose name matches a pattern.

    Parameters
    ----------
    path
        A folder, a zip archive, or a tar archive, compressed or not.
    pattern
        A regular expression that must match the full name; other files are ignored.

    Raises
    ------
    BenchmarkFileError
        If the archive is damaged, contains a path that leads out of it, or exceeds the limits: 64 KiB per file,
        20,000 files, 64 MiB in total.
    """
    name_pattern = re.compile(pattern)
    try:
        if path.is_dir():
            files = _files_of_folder(path, name_pattern)
        elif zipfile.is_zipfile(path):
            files = _files_of_zip(path, name_pattern)
        else:
            files = _files_of_tar(path, name_pattern)
        total = 0
        for file in files:
            total += len(file[1])
            if total > _MAX_TOTAL_BYTES:
                raise BenchmarkFileError(f"{path.name}: decompresses to more than {_MAX_TOTAL_BYTES >> 20} MiB")
            yield file
    except (
        *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError),
        *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    ) as error:
        raise BenchmarkFileError(f"{path.name}: not a readable folder, zip or tar archive ({error})") from error


def _files_of_folder(path: Path, name_pattern: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    for file in _limited(sorted(path.iterdir()), path):
        if name_pattern.fullmatch(file.name) and file.is_file():
            with file.open("rb") as stream:
                yield file.name, _read_within_limit(stream, path, file.name)


def _files_of_zip(path: Path, name_pattern: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in _limited(archive.infolist(), path):
            name = _checked_name(entry.filename, path)
            if name_pattern.fullmatch(name) and not entry.is_dir():
                if entry.compress_type not in _STREAMABLE:
                    raise BenchmarkFileError(f"{path.name}: {name} is compressed by another method than deflate")
                with archive.open(entry) as stream:
                    yield name, _read_within_limit(cast(_Readable, stream), path, name)


def _files_of_tar(path: Path, name_pattern: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with _decompressed(path) as stream, tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
        for entry in _limited(archive, path):
            archive.members = []  # type: ignore[attr-defined]  # otherwise tarfile keeps every entry
            name = _checked_name(entry.name, path)
            if name_pattern.fullmatch(name) and entry.isreg():
                content = archive.extractfile(entry)
                if content is not None:
                    yield name, _read_within_limit(cast(_Readable, content), path, name)


@contextmanager
def _decompressed(path: Path) -> Iterator["_LimitedStream"]:
    with path.open("rb") as file:
        opener = _OPENERS.get(file.read(2))
        file.seek(0)
        if opener is None:
            yield _LimitedStream(file, path)
            return
        with opener(file) as stream:
            yield _LimitedStream(stream, path)


class _LimitedStream:
    """A stream that raises an error after the maximum total size."""

    def __init__(self, stream: _Readable, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, _MAX_TOTAL_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BenchmarkFileError(f"{self._path.name}: decompresses to more than {_MAX_TOTAL_BYTES >> 20} MiB")
        return data


Entry = TypeVar("Entry")


def _limited(entries: Iterable[Entry], path: Path) -> Iterator[Entry]:
    for count, entry in enumerate(entries, 1):
        if count > _MAX_FILES:
            raise BenchmarkFileError(f"{path.name}: more than {_MAX_FILES:,} files")
        yield entry


def _checked_name(name: str, path: Path) -> str:
    """Return the last part of a path in an archive; raises BenchmarkFileError if it leads out of the archive."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", name):
        raise BenchmarkFileError(f"{path.name}: contains '{name[:100]}', a path that leads out of the archive")
    return parts.name


def _read_within_limit(stream: _Readable, path: Path, name: str) -> bytes:
    data = stream.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise BenchmarkFileError(f"{path.name}: {name} has more than {_MAX_FILE_BYTES:,} bytes")
    return data
