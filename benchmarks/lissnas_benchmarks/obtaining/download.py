"""Download official files: a download resumes where it stopped, and only if the server still has the same file."""

import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec
from lissnas.errors import LissnasError

from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.cache import locked, make_folder

_CHUNK = 1 << 20
"""Number of bytes read at a time."""

_TIMEOUT = 60
"""Seconds without an answer after which a download fails."""

_SLOWEST = 1000
"""Bytes a second, on average over `_TIMEOUT` seconds, below which a connection counts as stalled (our own choice)."""

_MAX_DIGITS = 19
"""Number of digits from which a length is no length of a file."""

_PARTIAL = 206
_RANGE_NOT_SATISFIABLE = 416

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class _Origin:
    """What the server said of the file whose beginning is in a part: its address, version and length."""

    url: str
    validator: str
    length: int


def download(
    file: OfficialFile,
    folder: Path,
    progress: Callable[[float], None] = lambda share: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Path:
    """Download a file into a folder, and return its path.

    An unfinished download is in `NAME.part`, with the server's version of the file in `NAME.part.json`, and the next
    call continues it. The file gets its name when it is complete and its checksum is verified. One process at a time
    downloads a file.

    Parameters
    ----------
    file
        A file with a `url`.
    folder
        The folder.
    progress
        Called now and then with the share that is downloaded, 0 to 1.
    on_wait
        Called once before waiting for another process that downloads the file.

    Raises
    ------
    LissnasError
        If the disk has too little space, the server cannot be reached, is too slow or does not send the complete file;
        call again to continue.
    BenchmarkFileError
        If the file differs from the one that the benchmark's authors published; it is deleted.
    """
    if file.url is None:
        raise LissnasError(f"{file.name} has no stable address: download it by hand")
    complete = folder / file.name
    part = folder / f"{file.name}.part"
    make_folder(complete.parent)
    again = f"call 'lissnas data get' again, it continues {part}"
    with locked(complete, on_wait):
        if not complete.exists():
            try:
                size = _fetch(file, part, progress)
            except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
                raise LissnasError(f"{file.url}: {getattr(error, 'reason', error)}; {again}") from error
            if part.stat().st_size < size:
                raise LissnasError(f"{file.url}: received only {part.stat().st_size:,} of {size:,} bytes; {again}")
            _check(file, part)
            part.replace(complete)
        _delete(part)  # what is left of it, also by a process that was killed
        _check(file, complete)
    return complete


def _check(file: OfficialFile, path: Path) -> None:
    """Compare a file with its checksum; delete it and raise BenchmarkFileError if it is another one."""
    try:
        file.checked(path, "it was deleted: call 'lissnas data get' again")
    except BenchmarkFileError:
        _delete(path)
        raise


def _delete(part: Path) -> None:
    part.unlink(missing_ok=True)
    _origin_file(part).unlink(missing_ok=True)


def _origin_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_origin(file: OfficialFile, part: Path) -> _Origin | None:
    """Return what the server said of the file in a part; None if that is not known or of another address."""
    try:
        origin = msgspec.json.decode(_origin_file(part).read_bytes(), type=_Origin)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    return origin if origin.url == file.url else None


def _check_space(file: OfficialFile, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder}: {file.name} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: free some, or set "
            f"LISSNAS_CACHE to another folder"
        )


def _fetch(file: OfficialFile, part: Path, progress: Callable[[float], None]) -> int:
    """Append the missing bytes to `part`, and return the file's length; 0 if the server does not say.

    A server that cannot continue a download, or has another version of the file, sends the complete file again.
    """
    have, origin = part.stat().st_size if part.exists() else 0, _read_origin(file, part)
    if have and file.sha256 is None and (origin is None or not origin.validator):
        have = 0  # nothing can show that the rest is of the same file
    if file.size is not None:
        _check_space(file, part.parent, file.size - have)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and origin is not None and origin.validator:
        headers["If-Range"] = origin.validator
    request = urllib.request.Request(str(file.url), headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not have:
            raise
        length = str(error.headers.get("Content-Range") or "").rpartition("/")[2]
        if length in ("", "*", str(have)):  # nothing is missing; the checksum tells
            return file.size or 0
        _delete(part)
        return _fetch(file, part, progress)
    with response:
        start = _start(file, part, response, have) if response.status == _PARTIAL else 0
        coming = _length(response.headers)
        size = file.size or (start + coming if coming else 0)
        if not start:
            part.unlink(missing_ok=True)  # first, so that a killed process leaves no bytes of another version
            _write_origin(file, part, response.headers, coming)
        with part.open("ab" if start else "wb") as target:
            _check_space(file, part.parent, coming)
            _receive(file, response, target, size, progress)
    return size


def _length(headers: Any) -> int:
    """Return how many bytes the server says that it sends; 0 if it does not say, or no number."""
    said = str(headers.get("Content-Length") or "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < _MAX_DIGITS else 0


def _start(file: OfficialFile, part: Path, response: Any, have: int) -> int:
    """Return the place of the first byte that the server sends; raises LissnasError if it is not the next one."""
    said = str(response.headers.get("Content-Range") or "")
    found, origin = _RANGE.fullmatch(said), _read_origin(file, part)
    length = int(found[2]) if found and found[2] != "*" else 0
    is_next = found is not None and int(found[1]) == have
    if not is_next or (origin and origin.length and length and length != origin.length):
        _delete(part)
        raise LissnasError(
            f"{file.url}: the server sent '{said}' instead of the bytes from {have:,} on; call 'lissnas data get' "
            f"again, it starts anew"
        )
    return have


def _write_origin(file: OfficialFile, part: Path, headers: Any, length: int) -> None:
    """Keep the version of the file beside its part: a strong ETag, or else the date of its last change.

    A note that is cut off by a kill cannot be read, so it needs no temporary file.
    """
    etag = str(headers.get("ETag") or "")
    validator = etag if etag and not etag.startswith("W/") else str(headers.get("Last-Modified") or "")
    _origin_file(part).write_bytes(msgspec.json.encode(_Origin(str(file.url), validator, length)))


def _receive(file: OfficialFile, response: Any, target: Any, size: int, progress: Callable[[float], None]) -> None:
    """Write what the server sends; raises LissnasError if it almost stops sending."""
    since, received = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):
        target.write(chunk)
        received += len(chunk)
        if size:
            progress(min(target.tell() / size, 1.0))
        if (elapsed := time.monotonic() - since) >= _TIMEOUT:
            if received < _SLOWEST * elapsed:
                raise LissnasError(
                    f"{file.url}: only {received:,} bytes in {elapsed:.0f} seconds; call 'lissnas data get' again, it "
                    f"continues the download"
                )
            since, received = time.monotonic(), 0
