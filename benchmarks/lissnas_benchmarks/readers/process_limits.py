"""Limit the memory and time of a process while another library reads an untrusted file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def process_limits(memory: int, seconds: int) -> Iterator[None]:
    """Limit the further address space, in bytes, and processor time, in seconds, of the process in this context.

    Beyond the first limit allocations fail. Beyond the second the system ends the process, so use a separate one. On
    systems other than Linux, which do not tell how much is in use, there are no limits.
    """
    if not _STATM.exists():
        yield
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    limits = {
        resource.RLIMIT_AS: int(_STATM.read_text().split()[0]) * resource.getpagesize() + memory,
        resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + 1 + seconds,
    }
    before = {kind: resource.getrlimit(kind) for kind in limits}
    try:
        for kind, limit in limits.items():
            soft, hard = before[kind]
            resource.setrlimit(kind, (limit if soft == resource.RLIM_INFINITY else min(limit, soft), hard))
        yield
    finally:
        for kind, limit_before in before.items():
            resource.setrlimit(kind, limit_before)
