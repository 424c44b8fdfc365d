"""Whole numbers on the command line are whole: Cyclopts would round 1.5 to 2."""

from typing import Any, get_args

from cyclopts import App, ArgumentCollection
from lissnas.errors import SettingError


def refuse_fractions(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise SettingError for a number with a point where the option takes whole ones; an `App` calls it, as `config`.

    The signature is that of Cyclopts' configuration functions, which see the words before they are converted.
    """
    for argument in arguments:
        wanted = _parts(argument.hint)
        if int in wanted and float not in wanted:
            for token in argument.tokens:
                if "." in token.value:
                    raise SettingError(f"{argument.name} must be a whole number, not {token.value}")


def _parts(hint: Any) -> set[Any]:
    """Return a type and the types that it is made of."""
    return {hint}.union(*(_parts(part) for part in get_args(hint)))
