"""The settings of methods as words of a command that does not know them itself: '--seeds 10 30 --radius 1 2'."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import Parameter as Argument
from inspect import Signature
from typing import Annotated, Any, cast, get_type_hints

import cyclopts
from cyclopts import Parameter
from lissnas.shrinkers.shrink import shrinker_class

from lissnas_analyses.cli.whole_numbers import refuse_fractions


def setting_values(command: str, methods: Sequence[str], tokens: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values given for each setting of any of the methods; raises cyclopts' errors for other words."""
    hints: dict[str, Any] = {}
    for method in methods:
        wanted: Any = shrinker_class(method)
        known = get_type_hints(wanted)
        hints |= {field.name: known[field.name] for field in fields(wanted) if field.name not in hints}

    def collect(**given: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
        return {name: values for name, values in given.items() if values}

    several = Parameter(consume_multiple=True, negative=())
    arguments = [
        Argument(name, Argument.KEYWORD_ONLY, default=(), annotation=Annotated[tuple[hint, ...], several])  # type: ignore[valid-type]
        for name, hint in hints.items()
    ]
    collect.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    return cast(dict[str, tuple[Any, ...]], call_with_settings(command, methods, collect, tokens))


def call_with_settings(
    command: str, methods: Sequence[str], collect: Callable[..., object], tokens: Sequence[str]
) -> object:
    """Call a function with the settings of methods that the words of a command hold.

    Raises cyclopts' errors; that for an unknown option names the nearest of the settings and of the command's own.
    """
    app = cyclopts.App(
        name=f"--method {' '.join(methods)}",
        result_action="return_value",
        help_flags=(),
        version_flags=(),
        config=refuse_fractions,
    )
    app.default(collect)
    try:
        return app(tokens, exit_on_error=False, print_error=False)
    except cyclopts.UnknownOptionError as error:
        from lissnas_analyses.cli.app import app as lissnas

        error.argument_collection.extend(lissnas[command].assemble_argument_collection())
        raise
