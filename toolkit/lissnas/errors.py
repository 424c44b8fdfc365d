"""What goes wrong because of something a user can mend: one sentence, with the value and the way out."""

import difflib
from collections.abc import Iterable
from typing import Any


class LissnasError(Exception):
    """Base of every error whose message is meant for the user.

    What a message quotes may come from a file that nobody vouches for: what a terminal would obey is written as an
    escape, and a message that goes on and on is cut.
    """

    evaluations: Any = None
    """Of a run of a shrinker that ended early: its Evaluations, so that nothing scored by then is lost."""

    def __init__(self, message: str = "") -> None:
        super().__init__(_printable(message))


def one_line(text: str) -> str:
    """Return text that nobody vouches for, as a file's name, in one line that a terminal shows and does not obey."""
    return _printable(text).replace("\n", "\\n")


_LONGEST = 2000


def _printable(message: str) -> str:
    if not message.replace("\n", "").isprintable():
        message = "".join(sign if sign == "\n" or sign.isprintable() else ascii(sign)[1:-1] for sign in message)
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2 - 5]} ... {message[5 - _LONGEST // 2 :]}"
    return message


class SettingError(LissnasError):
    """A setting that cannot be met: no seeds, a radius longer than the row, a sample larger than the space."""


class EvaluatorError(LissnasError):
    """An evaluator that failed, or whose answers cannot be used: of another shape, all missing, all equal."""


class JournalError(LissnasError):
    """A journal of another run, or one that is damaged or cannot be written."""


class CheckpointError(LissnasError):
    """A checkpoint of another training, or one that is damaged or cannot be written."""


class TrainingError(LissnasError):
    """A training that cannot go on: its loss is no number."""


class ArchitectureError(LissnasError):
    """Rows or strings that are not architectures of the space they were given to."""


class PluginError(LissnasError):
    """What a third party's package registers and cannot be used: it does not import, or claims another's name."""


class UnknownNameError(LissnasError):
    """A name that is not in a list of known names; the message suggests the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        super().__init__(f"unknown {kind} '{name}': {hint}known: {', '.join(known)}")
