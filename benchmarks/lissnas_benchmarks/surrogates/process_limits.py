"""Ceilings on what a process may take while a library of others reads a file that nobody vouches for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def process_limits(memory: int, seconds: int) -> Iterator[None]:
    """Let the process take so many bytes of address space and seconds of processor time more in this context.

    Past the first, allocations fail; past the second, the system ends the process: it should be one of its own. Where
    the system does not tell how much is in use (other than Linux), there are no ceilings.
    """
    if not _STATM.exists():
        yield
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    ceilings = {
        resource.RLIMIT_AS: int(_STATM.read_text().split()[0]) * resource.getpagesize() + memory,
        resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + 1 + seconds,
    }
    before = {kind: resource.getrlimit(kind) for kind in ceilings}
    try:
        for kind, ceiling in ceilings.items():
            soft, hard = before[kind]
            resource.setrlimit(kind, (ceiling if soft == resource.RLIM_INFINITY else min(ceiling, soft), hard))
        yield
    finally:
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)
