"""The settings of methods as words of a command that does not know them itself: '--seeds 10 30 --radius 1 2'."""

from collections.abc import Sequence
from dataclasses import fields
from inspect import Parameter as Argument
from inspect import Signature
from typing import Annotated, Any, cast, get_type_hints

import cyclopts
from cyclopts import Parameter
from lissnas.shrink import settings_class

from lissnas_analyses.commands.whole_numbers import refuse_fractions


def setting_values(methods: Sequence[str], tokens: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values given for each setting of any of the methods; raises cyclopts' errors for other words."""
    hints: dict[str, Any] = {}
    for method in methods:
        wanted: Any = settings_class(method)
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
    app = words_app(f"--method {' '.join(methods)}")
    app.default(collect)
    return cast(dict[str, tuple[Any, ...]], app(tokens, exit_on_error=False, print_error=False))


def words_app(name: str) -> cyclopts.App:
    """Return what reads the settings of a method; its name stands in messages."""
    return cyclopts.App(
        name=name, result_action="return_value", help_flags=(), version_flags=(), config=refuse_fractions
    )
