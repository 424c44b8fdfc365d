"""Download official files: a download resumes where it stopped, and its checksum is verified."""

import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from lissnas.errors import LissnasError

from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.cache import make_folder

_CHUNK = 1 << 20
"""Number of bytes read at a time."""
_TIMEOUT = 60
"""Seconds without an answer after which a download fails."""

_PARTIAL = 206
_RANGE_NOT_SATISFIABLE = 416


def download(file: OfficialFile, folder: Path, progress: Callable[[float], None] = lambda share: None) -> Path:
    """Download a file into a folder, and return its path.

    An unfinished download is in `NAME.part`, and the next call continues it. The file gets its name when it is complete
    and its checksum is verified.

    Parameters
    ----------
    file
        A file with a `url`.
    folder
        The folder.
    progress
        Called now and then with the share that is downloaded, 0 to 1.

    Raises
    ------
    LissnasError
        If the disk has too little space, the server cannot be reached or it does not send the complete file; call again
        to continue.
    BenchmarkFileError
        If the file differs from the one that the benchmark's authors published.
    """
    if file.url is None:
        raise LissnasError(f"{file.name} has no stable address: download it by hand")
    complete, part = folder / file.name, folder / f"{file.name}.part"
    again = f"call 'lissnas data get' again, it continues {part}"
    if not complete.exists():
        make_folder(folder)
        try:
            size = _fetch(file, part, progress)
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise LissnasError(f"{file.url}: {getattr(error, 'reason', error)}; {again}") from error
        if part.stat().st_size < size:
            raise LissnasError(f"{file.url}: received only {part.stat().st_size:,} of {size:,} bytes; {again}")
        file.checked(part, f"delete {part} and call 'lissnas data get' again")
        part.replace(complete)
    file.checked(complete, "delete it and call 'lissnas data get' again")
    return complete


def _check_space(file: OfficialFile, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder}: {file.name} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: free some, or set "
            f"LISSNAS_CACHE to another folder"
        )


def _fetch(file: OfficialFile, part: Path, progress: Callable[[float], None]) -> int:
    """Append the missing bytes to `part`, and return the file's length; 0 if the server does not say.

    A server that cannot continue a download sends the complete file again.
    """
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None:
        _check_space(file, part.parent, file.size - have)
    request = urllib.request.Request(str(file.url), headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE:  # nothing is missing
            return file.size or 0
        raise
    start = have if response.status == _PARTIAL else 0
    coming = int(response.headers.get("Content-Length") or 0)
    size = file.size or (start + coming if coming else 0)
    with response, part.open("ab" if start else "wb") as target:
        _check_space(file, part.parent, coming)
        while chunk := response.read(_CHUNK):
            target.write(chunk)
            if size:
                progress(min(target.tell() / size, 1.0))
    return size
