"""`@json_command` gives a command the option `--json`: one JSON document for scripts instead of printed sentences.

A command prints to `terminal.console` and returns a `CommandResult`. The document on standard output is
``{"format", "lissnas", "command", "kind", "result"}``; a command that fails writes ``error`` instead of ``kind`` and
``result``. docs/json.md lists the kinds and their fields.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import msgspec
import numpy as np
from cyclopts import Parameter

from lissnas_analyses.cli.terminal import activity, console, is_main_process
from lissnas_analyses.results.folder import command_line

FORMAT = 2
"""Version of the documents. It increases when a field or kind is renamed, removed or changes its meaning."""

Arguments = ParamSpec("Arguments")

_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Write one JSON document to standard output, and nothing else, for scripts.",
        ),
    ],
)


@dataclass(frozen=True)
class CommandResult:
    """What a command found, in what JSON can hold, paths and other dataclasses; its class is the document's kind."""

    @property
    def exit_status(self) -> int:
        """What the process ends with."""
        return 0


def json_command(command: Callable[Arguments, CommandResult]) -> Callable[..., int]:
    """Give a command the option `--json`; what it becomes returns the exit status."""

    @functools.wraps(command)
    def answer(*positional: Any, json: bool = False, **named: Any) -> int:
        console.quiet = json
        with activity.shown():
            answered = command(*positional, **named)
        if json:
            _write({"kind": type(answered).__name__, "result": answered})
        return answered.exit_status

    own = inspect.signature(command)
    answer.__signature__ = own.replace(parameters=[*own.parameters.values(), _JSON])  # type: ignore[attr-defined]
    answer.__annotations__ = command.__annotations__ | {"json": _JSON.annotation}
    return answer


def write_error(error: BaseException, message: str, exit_status: int) -> None:
    """Write the document of a command that failed, if the command line asks for one."""
    if "--json" in sys.argv[1:]:
        described = {"kind": type(error).__name__, "message": message, "exit_status": exit_status}
        _write({"error": described})


def _write(content: dict[str, Any]) -> None:
    if not is_main_process():
        return
    document = {"format": FORMAT, "lissnas": version("lissnas"), "command": command_line(), **content}
    encoded = msgspec.json.encode(document, enc_hook=_plain)  # a number that is none becomes null
    sys.stdout.buffer.write(msgspec.json.format(encoded, indent=2) + b"\n")
    sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a path or of NumPy's numbers."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a document")
