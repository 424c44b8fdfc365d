"""A ceiling on memory while an untrusted file is read: a file of nine bytes may ask for gigabytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def memory_limit(extra: int) -> Iterator[None]:
    """Let the process take at most `extra` more bytes of address space in this context; past it, MemoryError.

    Where the system does not tell how much is in use (other than Linux), there is no ceiling.
    """
    if not _STATM.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    ceiling = int(_STATM.read_text().split()[0]) * resource.getpagesize() + extra
    if soft != resource.RLIM_INFINITY:
        ceiling = min(ceiling, soft)
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
