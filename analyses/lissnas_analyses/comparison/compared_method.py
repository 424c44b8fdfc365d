"""ComparedMethod: a method by its name, whose budget LISSNAS sets, or a shrinker with settings of its own.

A name may have settings, as in "lissnas:seeds=50,radius=2". All variants of a method draw from the stream of its name,
so that a comparison shows what the setting does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec
import polars as pl
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers.shrink import Shrinker, registered_name, shrinker_class

from lissnas_analyses.grid.rule_file import RuleFile, read_rule

_BUDGET = ("evaluations", "size")
"""The settings that LISSNAS gives to a method that is compared by its name."""

_MAX_EVALUATIONS = {"kernel": 150}
"""The most evaluations that a method by its name gets: the time of kernel shrinkage grows with their cube."""

POINT_COLUMNS: dict[str, pl.DataType] = {
    "method": pl.String(),
    "given_evaluations": pl.Int64(),
    "given_size": pl.Int64(),
    "rule": pl.String(),
}
"""The columns that tell the methods of a comparison apart in its file of rows."""


@dataclass(frozen=True)
class ComparedMethod:
    """One method of a comparison.

    Attributes
    ----------
    name
        The name of the method; that of the class for a rule in a file.
    settings
        The settings that it has of its own, each a name and a value, without its evaluations.
    shrinker
        The method with all its settings; None for a method by its name.
    rule
        The file that the method is from; None for a registered one.
    evaluations, size
        The budget and the size of a method by its name, in place of those of LISSNAS. LISSNAS takes the size as the
        largest result, and makes as many evaluations as its own rule needs.
    """

    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    shrinker: Shrinker | None = None
    rule: RuleFile | None = None
    evaluations: int | None = None
    size: int | None = None

    @property
    def method(self) -> str:
        """The name with the settings of its own, without the budget: "lissnas(seeds=50)"."""
        return _called(self.name, self.settings)

    def label(self, evaluations: Sequence[int]) -> str:
        """Return what figures and tables call the method; it has the budget unless that is the only one given."""
        if self.evaluations is None or tuple(evaluations) == (self.evaluations,):
            return self.method
        return _called(self.name, (*self.settings, ("evaluations", self.evaluations)))

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that tell this method from others."""
        checksum = None if self.rule is None else self.rule.checksum
        values = (self.method, self.evaluations, self.size, checksum)
        return dict(zip(POINT_COLUMNS, values, strict=True))

    @property
    def stream(self) -> str:
        """The name of its random stream: variants of a method by its name share one, a shrinker has its own."""
        return self.name if self.shrinker is None else self.method

    @property
    def shrinker_class(self) -> type[Shrinker]:
        """The class of the method."""
        if self.shrinker is not None:
            return type(self.shrinker)
        return shrinker_class(self.name) if self.rule is None else self.rule.shrinker_class()

    @property
    def needs_lissnas(self) -> bool:
        """Whether LISSNAS decides the evaluations or the size."""
        if self.shrinker is not None or self.name == "lissnas":
            return False
        given = {"evaluations": self.evaluations, "size": self.size} | dict(self.settings)
        return any(given[name] is None for name in _BUDGET if name in _names(self.shrinker_class))

    def within(self, budget: Mapping[str, int]) -> Shrinker:
        """Return the shrinker of a run; by name it gets the evaluations and size of LISSNAS, if it has such settings.

        LISSNAS itself sets this budget.
        """
        if self.shrinker is not None:
            return self.shrinker
        names = _names(self.shrinker_class)
        settings = {name: value for name, value in self._budget(budget).items() if name in names}
        return cast(Any, self.shrinker_class)(**settings | dict(self.settings))

    def _budget(self, budget: Mapping[str, int]) -> dict[str, int]:
        if self.name == "lissnas":
            return {} if self.size is None else {"target_size": self.size}
        given: dict[str, int] = {}
        if self.evaluations is not None:
            given["evaluations"] = self.evaluations
        elif "evaluations" in budget:
            most = _MAX_EVALUATIONS.get(self.name, budget["evaluations"])
            given["evaluations"] = min(budget["evaluations"], most)
        if self.size is not None:
            given |= {"size": self.size, "target_size": self.size}
        elif "size" in budget:
            given["size"] = budget["size"]
        return given


def compared_method(method: Shrinker | RuleFile | str | ComparedMethod) -> ComparedMethod:
    """Return a method of a comparison, without a budget unless it has one of its own.

    Parameters
    ----------
    method
        A name, alone or with settings; a rule in a file; or a shrinker, which is called by its name and the settings
        that are not the default.

    Raises
    ------
    UnknownNameError
        If there is no method of this name, or it has no setting of a name; the message lists those that there are.
    SettingError
        If a setting has no value, or a value of another type.

    Examples
    --------
    >>> from lissnas.shrinkers.lissnas import Lissnas
    >>> compared_method(Lissnas(seeds=50)).method
    'lissnas(seeds=50)'
    >>> compared_method("kernel:evaluations=60,batch=5").label(())
    'kernel(batch=5, evaluations=60)'
    """
    if isinstance(method, ComparedMethod):
        return method
    if isinstance(method, RuleFile):
        return ComparedMethod(method.class_name, rule=method)
    if isinstance(method, str):
        name, _, settings = method.partition(":")
        shrinker_class(name)
        return with_settings(ComparedMethod(name), settings)
    own = {field.name: (getattr(method, field.name), field.default) for field in fields(cast(Any, method))}
    shown = [(name, value) for name, (value, default) in own.items() if value != default or name in _BUDGET]
    return ComparedMethod(registered_name(method), tuple(shown), shrinker=method)


def rule_method(text: str) -> ComparedMethod:
    """Return the method that FILE.py:ClassName or FILE.py:ClassName:setting=value,... names.

    Raises SettingError and UnknownNameError, as `read_rule` and `compared_method` do.
    """
    file, suffix, rest = text.partition(".py:")
    class_name, _, settings = rest.partition(":")
    return with_settings(compared_method(read_rule(f"{file}{suffix}{class_name}")), settings)


def with_settings(method: ComparedMethod, text: str) -> ComparedMethod:
    """Return a method with the settings of a text such as "seeds=50,radius=2"; its errors are as above."""
    if not text:
        return method
    declared = {field.name: field for field in fields(cast(Any, method.shrinker_class))}
    hints, own = get_type_hints(method.shrinker_class), dict[str, Any]()
    for setting in text.split(","):
        written, equals, value = setting.partition("=")
        name = written.strip().replace("-", "_")
        if not equals or not value.strip():
            raise SettingError(f"'{setting}' of {method.name} is no setting: write {method.name}:setting=value,...")
        if name not in declared:
            raise UnknownNameError(f"setting of {method.name}", written.strip(), declared)
        own[name] = _converted(f"{name} of {method.name}", value.strip(), hints[name])
    ordered = tuple((name, own[name]) for name in declared if name in own)
    settings = tuple(
        (name, value)
        for name, value in ordered
        if name != "evaluations" and (value != declared[name].default or name in _BUDGET)
    )
    return replace(method, settings=settings, evaluations=own.get("evaluations", method.evaluations))


def comparison_points(
    methods: Sequence[Shrinker | RuleFile | str | ComparedMethod], evaluations: Sequence[int], size: int | None
) -> tuple[ComparedMethod, ...]:
    """Return the methods at every budget, each once; a method without a setting `evaluations` is there once.

    Raises what `compared_method` raises, and SettingError if two different methods have one name.
    """
    points: dict[ComparedMethod, None] = {}
    for method in map(compared_method, methods):
        if method.shrinker is not None:
            points[method] = None
            continue
        has_budget = "evaluations" in _names(method.shrinker_class) and method.evaluations is None
        for budget in (evaluations or (None,)) if has_budget else (method.evaluations,):
            points[replace(method, evaluations=budget, size=size)] = None
    labels: dict[str, ComparedMethod] = {}
    for point in points:
        other = labels.setdefault(point.label(evaluations), point)
        if other is not point:
            raise SettingError(f"two methods are called {point.method}: rename the class of one of them")
    return tuple(points)


def _names(shrinker: type[Shrinker]) -> set[str]:
    return {field.name for field in fields(cast(Any, shrinker))}


def _called(name: str, settings: Sequence[tuple[str, Any]]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in settings)})" if settings else name


def _converted(what: str, text: str, kind: Any) -> Any:
    """Return the value of a setting; raises SettingError if the text is of another type."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingError(f"{what} must be {_kind_words(kind)}, not '{text}'") from error


def _kind_words(kind: Any) -> str:
    """Return what a setting of a type is, in words: "a whole number or 'measured'"."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return " or ".join(f"'{part}'" for part in parts)
    if parts:
        return " or ".join(_kind_words(part) for part in parts if part is not type(None))
    known: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}
    return known.get(kind, str(kind))
