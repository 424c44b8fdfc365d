"""Things by their names: imported when they are first asked for."""

import importlib
from collections.abc import Mapping
from typing import Any

from lissnas.errors import UnknownNameError


def look_up(kind: str, name: str, places: Mapping[str, str]) -> Any:
    """Return what stands at the place ``module:attribute`` that a name has.

    Raises UnknownNameError with the nearest name; `kind` says there what was looked for.
    """
    if name not in places:
        raise UnknownNameError(kind, name, places)
    module, _, attribute = places[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
