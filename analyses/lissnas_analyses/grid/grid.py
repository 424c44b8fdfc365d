"""The grid of an ablation: every combination of the settings of each method, of noise and of fidelity."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import product
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import numpy as np
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers.shrink import Shrinker, shrinker_class
from lissnas.storage.random_streams import named_generator

SETTING = "settings."
"""How the columns that hold a method's settings begin."""


@dataclass(frozen=True)
class Cell:
    """One place in the grid.

    Attributes
    ----------
    method, shrinker
        What shrinks.
    noise_tau
        To which Kendall tau the scores that it sees are degraded; 1 leaves them as they are.
    epochs
        After how many epochs of training they were measured; None for the benchmark's own choice.
    """

    method: str
    shrinker: Shrinker
    noise_tau: float = 1.0
    epochs: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """What tells the cell from others, in the columns of a table.

        A setting that may be a word is written as one, and one that is None is left out.
        """
        words, settings = _may_be_words(type(self.shrinker)), asdict(cast(Any, self.shrinker))
        written = {name: str(value) if name in words else value for name, value in settings.items()}
        named = {f"{SETTING}{name}": written[name] for name in settings if settings[name] is not None}
        return {"method": self.method, "noise_tau": self.noise_tau, "epochs": self.epochs} | named

    def generator(self, seed: int, run: int) -> np.random.Generator:
        """Return the source of randomness of a run of the method: the same for every noise and fidelity."""
        named = json.dumps([self.method, asdict(cast(Any, self.shrinker))], sort_keys=True)
        return named_generator(named, seed, run)


def cells(
    methods: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    noise_taus: Sequence[float] = (1.0,),
    epochs: Sequence[int | None] = (None,),
) -> tuple[Cell, ...]:
    """Return every combination; a method takes the values of those settings that it has.

    Raises UnknownNameError for a setting that no method has, SettingError for an impossible combination.
    """
    known = {method: {field.name for field in fields(cast(Any, shrinker_class(method)))} for method in methods}
    for name in values:
        if not any(name in names for names in known.values()):
            raise UnknownNameError(f"setting of {', '.join(methods)}", name, set().union(*known.values()))
    for tau in noise_taus:
        if not 0 <= tau <= 1:
            raise SettingError(f"tau must lie between 0 and 1, not be {tau}")
    found: dict[Cell, None] = {}
    for method in methods:
        wanted: Any = shrinker_class(method)
        own = {name: choices for name, choices in values.items() if name in known[method]}
        for choice, tau, epoch in product(product(*own.values()), noise_taus, epochs):
            found[Cell(method, _made(wanted, method, dict(zip(own, choice, strict=True))), tau, epoch)] = None
    return tuple(found)


@cache
def _may_be_words(settings: type) -> frozenset[str]:
    hints = get_type_hints(settings)
    return frozenset(
        name for name, hint in hints.items() if any(get_origin(kind) is Literal for kind in (hint, *get_args(hint)))
    )


def _made(wanted: Any, method: str, chosen: dict[str, Any]) -> Shrinker:
    try:
        return cast(Shrinker, wanted(**chosen))
    except SettingError as error:
        raise SettingError(f"{method} with {', '.join(f'{n} {v}' for n, v in chosen.items())}: {error}") from error
