"""Fetching an official file: resumed where it broke off, checked before it is called whole."""

import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from lissnas.errors import LissnasError

from lissnas_benchmarks.adapter import OfficialFile

_CHUNK = 1 << 20
_TIMEOUT = 60
"""Seconds without an answer after which a server counts as gone."""

_PARTIAL = 206
_RANGE_NOT_SATISFIABLE = 416


def download(file: OfficialFile, folder: Path, progress: Callable[[float], None] = lambda share: None) -> Path:
    """Fetch a file into a folder, and return where it is.

    What an earlier call fetched is kept in `NAME.part` and continued; the file gets its name only when it is whole and
    has its checksum.

    Parameters
    ----------
    file
        A file with a `url`.
    folder
        Where to.
    progress
        Told now and then which share is there.

    Raises
    ------
    LissnasError
        If the disk has too little space, or the server cannot be reached or does not send it all; call again to go on.
    BenchmarkFileError
        If what came is not the file that the benchmark's authors published.
    """
    if file.url is None:
        raise LissnasError(f"{file.name} has no stable address: fetch it by hand")
    whole, part = folder / file.name, folder / f"{file.name}.part"
    again = f"call 'lissnas data get' again, it goes on from {part}"
    if not whole.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            size = _fetch(file, part, progress)
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise LissnasError(f"{file.url}: {getattr(error, 'reason', error)}; {again}") from error
        if part.stat().st_size < size:
            raise LissnasError(f"{file.url}: only {part.stat().st_size:,} of {size:,} bytes came; {again}")
        file.checked(part, f"delete {part} and call 'lissnas data get' again")
        part.replace(whole)
    file.checked(whole, "delete it and call 'lissnas data get' again")
    return whole


def _check_space(file: OfficialFile, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LissnasError(
            f"{folder}: {file.name} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: free some, or set "
            f"LISSNAS_CACHE to another folder"
        )


def _fetch(file: OfficialFile, part: Path, progress: Callable[[float], None]) -> int:
    """Append to `part` what is missing, and return how long the file is; 0 if the server does not say.

    A server that cannot continue sends the whole file again.
    """
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None:
        _check_space(file, part.parent, file.size - have)
    request = urllib.request.Request(str(file.url), headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE:  # nothing is missing
            return file.size or 0
        raise
    kept = have if answer.status == _PARTIAL else 0
    coming = int(answer.headers.get("Content-Length") or 0)
    size = file.size or (kept + coming if coming else 0)
    with answer, part.open("ab" if kept else "wb") as target:
        _check_space(file, part.parent, coming)
        while chunk := answer.read(_CHUNK):
            target.write(chunk)
            if size:
                progress(min(target.tell() / size, 1.0))
    return size
