"""The grid of an ablation: every combination of the settings of each method, of noise, and of fidelity."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any, cast

import numpy as np
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers.shrink import Shrinker, shrinker_class
from lissnas.storage.random_streams import named_generator

from lissnas_analyses.grid.run_grid import setting_columns


@dataclass(frozen=True)
class AblationPoint:
    """One combination of the grid.

    Attributes
    ----------
    method, shrinker
        The name of the method, and the method with its settings.
    noise_tau
        Kendall tau to which the scores that the method sees are degraded; 1 leaves them unchanged.
    epochs
        Number of training epochs after which these scores were measured; None for the benchmark's own choice.
    """

    method: str
    shrinker: Shrinker
    noise_tau: float = 1.0
    epochs: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that tell this combination from others."""
        condition = {"method": self.method, "noise_tau": self.noise_tau, "epochs": self.epochs}
        return condition | setting_columns(self.shrinker)

    def generator(self, seed: int, run: int) -> np.random.Generator:
        """Return the random generator of a run of the method; it is the same for every noise and fidelity."""
        name = json.dumps([self.method, asdict(cast(Any, self.shrinker))], sort_keys=True)
        return named_generator(name, seed, run)


def grid_points(
    methods: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    noise_taus: Sequence[float] = (1.0,),
    epochs: Sequence[int | None] = (None,),
) -> tuple[AblationPoint, ...]:
    """Return every combination; each method uses the values of the settings that it has.

    Raises UnknownNameError for a setting that no method has, SettingError for a combination that a method refuses.
    """
    names = {method: {field.name for field in fields(cast(Any, shrinker_class(method)))} for method in methods}
    for name in values:
        if not any(name in settings for settings in names.values()):
            raise UnknownNameError(f"setting of {', '.join(methods)}", name, set().union(*names.values()))
    for tau in noise_taus:
        if not 0 <= tau <= 1:
            raise SettingError(f"tau must be between 0 and 1, not {tau}")
    points: dict[AblationPoint, None] = {}
    for method in methods:
        own_values = {name: choices for name, choices in values.items() if name in names[method]}
        for choice, tau, epoch in product(product(*own_values.values()), noise_taus, epochs):
            shrinker = _shrinker(method, dict(zip(own_values, choice, strict=True)))
            points[AblationPoint(method, shrinker, tau, epoch)] = None
    return tuple(points)


def _shrinker(method: str, settings: dict[str, Any]) -> Shrinker:
    try:
        return cast(Any, shrinker_class(method))(**settings)
    except SettingError as error:
        raise SettingError(f"{method} with {', '.join(f'{n} {v}' for n, v in settings.items())}: {error}") from error
