"""What can be wrong with a benchmark's file; each message says where, and what to do."""

from lissnas.errors import LissnasError


class BenchmarkFileError(LissnasError):
    """A benchmark's file is truncated, altered, of another version, or holds what no such file should hold."""


class MissingFileError(LissnasError):
    """A benchmark's file is not there yet; the message says how to get it."""


def first_line(error: BaseException) -> str:
    """Return what an error of a library says first, or its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
