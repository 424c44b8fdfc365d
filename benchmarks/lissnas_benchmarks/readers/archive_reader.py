"""The small files in a folder or an archive, read in memory within limits; nothing is ever unpacked to the disk."""

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

_LARGEST = 1 << 16
"""How many bytes a file may have."""

_MOST = 20_000
"""How many files there may be, those included that are not asked for."""

_IN_ALL = 1 << 26
"""How many bytes they may have together, unpacked; the largest official archive has a third of that."""

_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways to pack a file in a zip archive that zipfile unpacks piece by piece; the others it unpacks at once."""

_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_archive(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name, without folders, and the bytes of each file whose name matches a pattern.

    Parameters
    ----------
    path
        A folder, a zip archive, or a tar archive, compressed or not.
    pattern
        A regular expression for the whole name; other files are passed over.

    Raises
    ------
    BenchmarkFileError
        If the archive is damaged, names a place outside itself, or exceeds the limits: files of 64 KiB, 20,000 of
        them, 64 MiB in all.
    """
    wanted = re.compile(pattern)
    try:
        if path.is_dir():
            files = _of_folder(path, wanted)
        elif zipfile.is_zipfile(path):
            files = _of_zip(path, wanted)
        else:
            files = _of_tar(path, wanted)
        in_all = 0
        for file in files:
            in_all += len(file[1])
            if in_all > _IN_ALL:
                raise BenchmarkFileError(f"{path.name}: unpacks to more than {_IN_ALL >> 20} MiB")
            yield file
    except (
        *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, MemoryError),
        *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    ) as error:
        raise BenchmarkFileError(f"{path.name}: no readable folder, zip or tar archive ({error})") from error


def _of_folder(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    for file in _at_most(sorted(path.iterdir()), path):
        if wanted.fullmatch(file.name) and file.is_file():
            with file.open("rb") as stream:
                yield file.name, _bounded(stream, path, file.name)


def _of_zip(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in _at_most(archive.infolist(), path):
            name = _checked_name(entry.filename, path)
            if wanted.fullmatch(name) and not entry.is_dir():
                if entry.compress_type not in _BOUNDED:
                    raise BenchmarkFileError(f"{path.name}: {name} is packed neither plainly nor by deflate")
                with archive.open(entry) as stream:
                    yield name, _bounded(cast(_Readable, stream), path, name)


def _of_tar(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with _unpacked(path) as stream, tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
        for entry in _at_most(archive, path):
            archive.members = []  # type: ignore[attr-defined]  # it would keep them all
            name = _checked_name(entry.name, path)
            if wanted.fullmatch(name) and entry.isreg():
                content = archive.extractfile(entry)
                if content is not None:
                    yield name, _bounded(cast(_Readable, content), path, name)


@contextmanager
def _unpacked(path: Path) -> Iterator["_Limited"]:
    with path.open("rb") as file:
        opener = _OPENERS.get(file.read(2))
        file.seek(0)
        if opener is None:
            yield _Limited(file, path)
            return
        with opener(file) as stream:
            yield _Limited(stream, path)


class _Limited:
    """A stream that ends in an error after so many bytes."""

    def __init__(self, stream: _Readable, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, _IN_ALL

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BenchmarkFileError(f"{self._path.name}: unpacks to more than {_IN_ALL >> 20} MiB")
        return data


Entry = TypeVar("Entry")


def _at_most(entries: Iterable[Entry], path: Path) -> Iterator[Entry]:
    for count, entry in enumerate(entries, 1):
        if count > _MOST:
            raise BenchmarkFileError(f"{path.name}: more than {_MOST:,} files")
        yield entry


def _checked_name(name: str, path: Path) -> str:
    """Return the last part of a name in an archive, or raise an error if it leads out of the archive."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match("[A-Za-z]:", name):
        raise BenchmarkFileError(f"{path.name}: holds '{name[:100]}', which leads out of the archive")
    return parts.name


def _bounded(stream: _Readable, path: Path, name: str) -> bytes:
    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise BenchmarkFileError(f"{path.name}: {name} has more than {_LARGEST:,} bytes")
    return data
