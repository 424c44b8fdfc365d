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

from lissnas_analyses.cli.shared.interrupts import allow_interrupts
from lissnas_analyses.cli.shared.terminal import activity, console, is_main_process
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
            help="Print one JSON document for scripts instead of sentences.",
        ),
    ],
)


@dataclass(frozen=True)
class CommandResult:
    """Base class of what a command returns; the name of the subclass is the `kind` of the JSON document.

    Fields are values of JSON, paths, and other dataclasses.
    """

    @property
    def exit_status(self) -> int:
        """Exit status of the process."""
        return 0


def json_command(command: Callable[Arguments, CommandResult]) -> Callable[..., int]:
    """Return the command with the option `--json` added; it returns the exit status."""

    @functools.wraps(command)
    def run(*positional: Any, json: bool = False, **named: Any) -> int:
        allow_interrupts()
        console.quiet = json
        with activity.shown():
            result = command(*positional, **named)
        if json:
            _write({"kind": type(result).__name__, "result": result})
        return result.exit_status

    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), _JSON]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = command.__annotations__ | {"json": _JSON.annotation}
    return run


def write_error(error: BaseException, message: str, exit_status: int) -> None:
    """Write the JSON document of a command that failed, if the command line has `--json`."""
    if "--json" in sys.argv[1:]:
        described = {"kind": type(error).__name__, "message": message, "exit_status": exit_status}
        _write({"error": described})


def _write(content: dict[str, Any]) -> None:
    if not is_main_process():
        return
    document = {"format": FORMAT, "lissnas": version("lissnas"), "command": command_line(), **content}
    encoded = msgspec.json.encode(document, enc_hook=_plain)  # NaN becomes null
    sys.stdout.buffer.write(msgspec.json.format(encoded, indent=2) + b"\n")
    sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    """Return the JSON value of a path or of a NumPy number."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value).encode(errors="backslashreplace").decode()
    raise TypeError(f"a JSON document cannot contain a {type(value).__name__}")
