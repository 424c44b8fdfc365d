"""Read files of torch.save without torch: the pickle stream written before torch 1.6, and the zip archive since.

Only objects without tensors are read, because benchmarks contain plain numbers.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream, Readable

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first value in a file of torch.save before torch 1.6."""

_PROTOCOL = 1001
"""The second value."""


def load_torch(
    path: Path,
    marker: str = "",
    finish: Callable[[dict[Any, Any]], Any] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Any:
    """Return the object in a file of torch.save; `marker` and `finish` handle records as in `PickleStream`.

    Raises BenchmarkFileError if the file is damaged, or contains tensors or anything else that is not plain data.
    """
    name, size = path.name, max(1, path.stat().st_size)

    def stream(file: Readable) -> PickleStream:
        return PickleStream(file, name, marker, finish, progress=lambda count: progress(min(1.0, count / size)))

    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
        file.seek(0)
        if not is_archive:
            return _load_legacy(stream(file), name)
    with _opened_member(path) as member:
        reader = stream(member)
        value = reader.load()
        reader.check_ended()  # reads to the end, where zipfile compares the checksum
    return value


def load_records(
    path: Path, marker: str, finish: Callable[[dict[Any, Any]], Any], progress: Callable[[float], None]
) -> Any:
    """Return the object in a file of torch.save or in a plain pickle; else as `load_torch`."""
    with path.open("rb") as file:
        start = file.read(64)
        if not start.startswith(b"\x80") or _MAGIC.to_bytes(10, "little") in start:
            return load_torch(path, marker, finish, progress)
        file.seek(0)
        size = max(1, path.stat().st_size)
        stream = PickleStream(file, path.name, marker, finish, progress=lambda count: progress(min(1.0, count / size)))
        value = stream.load()
        stream.check_ended()
    return value


def _load_legacy(stream: PickleStream, name: str) -> Any:
    if stream.load() != _MAGIC or stream.load() != _PROTOCOL:
        raise BenchmarkFileError(f"{name}: not written by torch.save")
    stream.load()  # the byte order and integer sizes of the machine
    value = stream.load()
    if stream.load() != []:
        raise BenchmarkFileError(f"{name}: contains tensors, which no benchmark file does")
    stream.check_ended()
    return value


@contextmanager
def _opened_member(path: Path) -> Iterator[Readable]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.split("/")[1:] == ["data.pkl"]]
            if len(members) != 1 or members[0].compress_type != zipfile.ZIP_STORED or members[0].flag_bits & 1:
                raise BenchmarkFileError(
                    f"{path.name}: not written by torch.save: it needs one data.pkl, stored without compression"
                )
            with archive.open(members[0]) as member:
                yield member
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise BenchmarkFileError(f"{path.name}: cut short or damaged ({error})") from error
