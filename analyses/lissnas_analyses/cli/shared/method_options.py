"""Method settings as command-line options: '--seeds 10 30 --radius 1 2'. Which options exist depends on `--method`."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import Parameter as Argument
from inspect import Signature
from typing import Annotated, Any, cast, get_type_hints

import cyclopts
from cyclopts import Parameter
from lissnas.shrinkers.shrink import shrinker_class

from lissnas_analyses.cli.app import app, refuse_fractions


def setting_values(command: str, methods: Sequence[str], tokens: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values that `tokens` give for each setting of any of the methods.

    Raises the errors of Cyclopts for other options.
    """
    hints: dict[str, Any] = {}
    for method in methods:
        settings: Any = shrinker_class(method)
        types = get_type_hints(settings)
        hints |= {field.name: types[field.name] for field in fields(settings) if field.name not in hints}

    def collect(**options: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
        return {name: values for name, values in options.items() if values}

    several = Parameter(consume_multiple=True, negative=())
    arguments = [
        Argument(name, Argument.KEYWORD_ONLY, default=(), annotation=Annotated[tuple[hint, ...], several])  # type: ignore[valid-type]
        for name, hint in hints.items()
    ]
    collect.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    return cast(dict[str, tuple[Any, ...]], call_with_settings(command, methods, collect, tokens))


def call_with_settings(
    command: str, methods: Sequence[str], function: Callable[..., object], tokens: Sequence[str]
) -> object:
    """Call a function whose parameters are settings of the methods, and return its result.

    Raises the errors of Cyclopts. The error for an unknown option suggests the nearest setting or option of `command`.
    """
    settings_app = cyclopts.App(
        name=f"--method {' '.join(methods)}",
        result_action="return_value",
        help_flags=(),
        version_flags=(),
        config=refuse_fractions,
    )
    settings_app.default(function)
    try:
        return settings_app(tokens, exit_on_error=False, print_error=False)
    except cyclopts.UnknownOptionError as error:
        error.argument_collection.extend(app[command].assemble_argument_collection())
        raise
