"""The errors that a user can fix: each message is one sentence with the wrong value and what to do."""

import difflib
import errno
from collections.abc import Iterable
from typing import Any


class LissnasError(Exception):
    """Base of every error whose message is meant for the user.

    A message may quote an untrusted file: control characters are written as escapes, and a message of more than 2,000
    characters is shortened in the middle.
    """

    evaluations: Any = None
    """The Evaluations of a shrinker that this error ended, so that no score is lost; None otherwise."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


def one_line(text: str) -> str:
    """Return untrusted text, such as a file name, as one line without control characters."""
    return printable(text).replace("\n", "\\n")


def escape_controls(text: str) -> str:
    r"""Return a text with its control characters as escapes, except line ends; a terminal would obey them.

    Examples
    --------
    >>> escape_controls("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.replace("\n", "").isprintable():
        return text
    return "".join(sign if sign == "\n" or sign.isprintable() else ascii(sign)[1:-1] for sign in text)


_MAX_LENGTH = 2000
"""Maximum length of a message, in characters."""


def printable(message: str) -> str:
    """Return untrusted text without control characters except line ends, and shortened in the middle if it is long."""
    message = escape_controls(message)
    if len(message) > _MAX_LENGTH:
        message = f"{message[: _MAX_LENGTH // 2 - 5]} ... {message[5 - _MAX_LENGTH // 2 :]}"
    return message


_REASONS = {
    errno.ENOSPC: "no space is left on the disk: free some, and run again",
    errno.EDQUOT: "your disk quota is exceeded: delete files, and run again",
    errno.EFBIG: "the file would exceed the limit of file sizes: raise it with 'ulimit -f unlimited', and run again",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "permission denied: choose another place, or change its permissions",
    errno.EPERM: "permission denied: choose another place, or change its permissions",
    errno.EMFILE: "too many open files: raise the limit with 'ulimit -n 4096', and run again",
    errno.ENFILE: "too many open files on this machine: close some programs, and run again",
    errno.ENOMEM: "the memory is too small: close other programs, or raise the limit with 'ulimit -v unlimited'",
    errno.EAGAIN: "the limit of processes and threads is reached: raise it with 'ulimit -u', and run again",
    errno.EISDIR: "a folder is where a file should be: move it away, or choose another place",
    errno.ENOTDIR: "a file is where a folder should be: move it away, or choose another place",
    errno.EEXIST: "a file is where a folder should be: move it away, or choose another place",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}
"""What an error of the operating system means, and what to do about it."""


def explain_os_error(error: OSError, place: object = None) -> str:
    """Return a sentence about an error of the operating system: where, what is wrong, what to do.

    Parameters
    ----------
    error
        The error.
    place
        The file or folder; default: the one that the error names.

    Examples
    --------
    >>> explain_os_error(OSError(errno.ENOSPC, "No space left on device"), "results")
    'results: no space is left on the disk: free some, and run again'
    """
    where = error.filename if place is None else place
    why = _REASONS.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)
    return why if where is None else f"{where}: {why}"


class SettingError(LissnasError):
    """A setting has an impossible value: no seeds, a radius longer than a row, a sample larger than the space."""


class EvaluatorError(LissnasError):
    """An evaluator failed, or its scores are unusable: wrong shape, all missing, all equal."""


class JournalError(LissnasError):
    """A journal is damaged, belongs to another run, or cannot be written."""


class CheckpointError(LissnasError):
    """A checkpoint is damaged, belongs to another training, or cannot be written."""


class TrainingError(LissnasError):
    """A training cannot continue: its loss is NaN or infinite, or memory is too small."""


class ArchitectureError(LissnasError):
    """A row or a string is not an architecture of the space."""


class PluginError(LissnasError):
    """A third-party package registers something unusable: it fails to import, or claims a name that is taken."""


class UnknownNameError(LissnasError):
    """A name is not in the list of known names; the message suggests the nearest one.

    Parameters
    ----------
    kind
        What the name is of, for example "method".
    name
        The unknown name.
    known
        All names of that kind.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        by_lower_case = {each.lower(): each for each in known}
        nearest = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.5)
        hint = f"did you mean '{by_lower_case[nearest[0]]}'? " if nearest else ""
        super().__init__(f"unknown {kind} '{name}': {hint}known: {', '.join(known)}")


def shortened(text: str, most: int = 300) -> str:
    """Return a text for an error message, with "..." for what follows its first `most` letters.

    Examples
    --------
    >>> shortened("nor_conv_3x3", 3)
    'nor...'
    """
    return text if len(text) <= most else f"{text[:most]}..."
