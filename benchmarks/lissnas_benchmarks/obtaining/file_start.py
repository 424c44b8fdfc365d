"""The start of a file, folder or archive as bytes, in which its kind can be recognized; nothing in it is run."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

_BYTES = 1 << 22
"""Number of bytes of a file, decompressed: NAS-Bench-201 lists its 15,625 strings before its first record."""

_END = 1 << 16
"""Number of bytes of the end of a Parquet file, which names its columns."""

_NAMES = 200
"""Number of names in a folder or an archive."""

_CONTENTS = 2
"""Number of files in a folder or an archive whose start is read."""

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, IndexError, struct.error),
    *(MemoryError, OverflowError),  # a header of 512 bytes can name a size of 2^60
)
"""What the readers of archives and compressed files raise for a damaged one."""


def file_start(path: Path) -> bytes:
    """Return the name of a file and its start, decompressed; of a folder or an archive, names and the first files.

    Raises OSError if the file cannot be read.
    """
    name = path.name.encode(errors="replace") + b"\n"
    if path.is_dir():
        return name + b"\n".join(_of_folder(path))
    if is_archive(path):
        return name + b"\n".join(_of_archive(path))
    with path.open("rb") as file:
        start = file.read(_BYTES)
        if start.startswith(b"PAR1"):
            file.seek(max(0, path.stat().st_size - _END))
            start = file.read()
    return name + _decompressed(start)


def is_archive(path: Path) -> bool:
    """Tell whether a file is a tar or ZIP archive; a file of torch.save is none."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return not any(entry.split("/")[1:] == ["data.pkl"] for entry in archive.namelist())
        with tarfile.open(path) as packed:
            return packed.next() is not None
    except _DAMAGED:
        return False


def _of_folder(path: Path) -> Iterator[bytes]:
    files = sorted(islice((file for file in path.rglob("*") if file.is_file()), _NAMES))
    for place, file in enumerate(files):
        yield str(file.relative_to(path)).encode(errors="replace")
        if place < _CONTENTS:
            with file.open("rb") as stream:
                yield _decompressed(stream.read(_BYTES))


def _of_archive(path: Path) -> Iterator[bytes]:
    contents = 0
    try:
        for name, opened in _members(path):
            yield name.encode(errors="replace")
            if opened is not None and contents < _CONTENTS:
                contents += 1
                yield _decompressed(opened.read(_BYTES))
    except _DAMAGED:
        return


def _members(path: Path) -> Iterator[tuple[str, Any]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist()[:_NAMES]:
                if entry.is_dir() or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    yield entry.filename, None
                else:
                    with archive.open(entry) as opened:
                        yield entry.filename, opened
        return
    with tarfile.open(path) as packed:
        for member in islice(packed, _NAMES):
            yield member.name, packed.extractfile(member) if member.isreg() else None


def _decompressed(start: bytes) -> bytes:
    """Return the start of the content of a compressed file, as far as it can be decompressed."""
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    if opener is None:
        return start
    content = b""
    try:
        with opener(io.BytesIO(start)) as file:
            while len(content) < _BYTES and (more := file.read1(1 << 16)):
                content += more
    except _DAMAGED:
        pass  # the start was cut in the middle of a block
    return content
