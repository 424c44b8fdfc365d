"""The errors of benchmark files; each message says what is wrong, where, and what to do."""

from lissnas.errors import LissnasError


class BenchmarkFileError(LissnasError):
    """A benchmark's file is truncated, altered, of another version, or contains something that it should not."""


class MissingFileError(LissnasError):
    """A benchmark's file is missing; the message says how to get it."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the error's class name if the message is empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]
