"""ComparedMethod: a method by its name, whose budget LISSNAS sets, or a shrinker with settings of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from lissnas.shrinkers.shrink import Shrinker, registered_name, shrinker_class

_BUDGET = ("evaluations", "size")
"""The settings that LISSNAS gives to a method that is compared by its name."""

_MAX_EVALUATIONS = {"kernel": 150}
"""The most evaluations that a method by its name gets: the time of kernel shrinkage grows with their cube."""


@dataclass(frozen=True)
class ComparedMethod:
    """One method of a comparison.

    Attributes
    ----------
    method
        What rows and figures call it. Its random draws depend on this name.
    shrinker
        The method with its settings; None for a method by its name.
    evaluations, size
        The budget and the size of a method by its name, in place of those of LISSNAS. LISSNAS takes the size as the
        largest result, and makes as many evaluations as its own rule needs.
    """

    method: str
    shrinker: Shrinker | None = None
    evaluations: int | None = None
    size: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that tell this method from others."""
        return {"method": self.method}

    def within(self, budget: Mapping[str, int]) -> Shrinker:
        """Return the shrinker of a run; by name it gets the evaluations and size of LISSNAS, if it has such settings.

        LISSNAS itself sets this budget.
        """
        if self.shrinker is not None:
            return self.shrinker
        shrinker: Any = shrinker_class(self.method)
        settings = {"target_size": self.size} if self.method == "lissnas" else self._settings(budget)
        names = {field.name for field in fields(shrinker)}
        return cast(Shrinker, shrinker(**{name: value for name, value in settings.items() if name in names}))

    def _settings(self, budget: Mapping[str, int]) -> dict[str, int]:
        most = _MAX_EVALUATIONS.get(self.method, budget["evaluations"])
        evaluations = min(budget["evaluations"], most) if self.evaluations is None else self.evaluations
        size = budget["size"] if self.size is None else self.size
        limit = {} if self.size is None else {"target_size": size}
        return {"evaluations": evaluations, "size": size, **limit}


def compared_method(method: Shrinker | str, evaluations: int | None = None, size: int | None = None) -> ComparedMethod:
    """Return a method of a comparison; a shrinker is called by its name and the settings that are not the default.

    `evaluations` and `size` are those of a method by its name; see `ComparedMethod`.

    Raises UnknownNameError if there is no method of this name.

    Examples
    --------
    >>> from lissnas.shrinkers.lissnas import Lissnas
    >>> compared_method(Lissnas(seeds=50)).method
    'lissnas(seeds=50)'
    """
    if isinstance(method, str):
        shrinker_class(method)
        return ComparedMethod(method, None, evaluations, size)
    settings = {field.name: (getattr(method, field.name), field.default) for field in fields(cast(Any, method))}
    shown = [f"{name}={value}" for name, (value, default) in settings.items() if value != default or name in _BUDGET]
    name = registered_name(method)
    return ComparedMethod(f"{name}({', '.join(shown)})" if shown else name, method)
