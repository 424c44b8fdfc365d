"""Writing a file whole: beside its place, then moved there, so that no half-written one is ever seen."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its place when the context ends well, and leaves nothing if it does not."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            yield file
        beside.replace(path)
    except BaseException:
        with suppress(OSError):  # where it never came to be
            beside.unlink()
        raise
