"""Register: classes and functions by name, the project's own and those that third-party packages add as entry points.

The project's own are in a table. The entry points of other packages are read only when a name is not in that table or
when all names are listed, and such a package is imported only when one of its names is used.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lissnas.errors import PluginError, UnknownNameError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a package may call a thing: names become parts of paths."""


@dataclass(frozen=True)
class Register:
    """All named things of one kind.

    Attributes
    ----------
    kind
        The word for it in error messages: "method".
    group
        Group of the entry points: "lissnas.shrinkers".
    builtin
        The project's own names, each with its place ``module:attribute``. No other package may use these names.
    fault
        Takes a name and the object that a package registered under it; returns what is wrong with it, or "".
    """

    kind: str
    group: str
    builtin: Mapping[str, str]
    fault: Callable[[str, Any], str]

    def names(self) -> tuple[str, ...]:
        """Return all names, the project's own first, without checking those of other packages."""
        return (*self.builtin, *sorted(self._registered()))

    def find(self, name: str) -> Any:
        """Return the object with this name.

        Raises
        ------
        UnknownNameError
            If there is none; the message suggests the nearest name.
        PluginError
            If another package registers it and it is unusable: it fails to import, has the wrong type, or several
            packages claim the name.
        """
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        registered = self._registered()
        if name not in registered:
            raise UnknownNameError(self.kind, name, [*self.builtin, *registered])
        return self._load(name, registered[name])

    def valid_names(self) -> tuple[str, ...]:
        """Return all names that can be used; imports the other packages to find out."""
        return (*self.builtin, *(name for name in self.names()[len(self.builtin) :] if not self._error(name)))

    def faults(self) -> tuple[str, ...]:
        """Return one sentence for each unusable thing that another package registers."""
        taken = [
            f"the {self.kind} '{point.name}' of {_package(point)} is left out: lissnas itself has one of that name"
            for point in self._points()
            if point.name in self.builtin
        ]
        return (*taken, *filter(None, map(self._error, sorted(self._registered()))))

    def _error(self, name: str) -> str:
        try:
            self._load(name, self._registered()[name])
        except PluginError as error:
            return str(error)
        return ""

    def _points(self) -> Iterator[EntryPoint]:
        yield from entry_points(group=self.group)

    def _registered(self) -> dict[str, list[EntryPoint]]:
        points: dict[str, list[EntryPoint]] = {}
        for point in self._points():
            if point.name not in self.builtin:
                points.setdefault(point.name, []).append(point)
        return points

    def _load(self, name: str, points: list[EntryPoint]) -> Any:
        if len(points) > 1:
            packages = " and ".join(sorted(map(_package, points)))
            raise PluginError(f"{packages} both register a {self.kind} '{name}': uninstall one of them")
        [point] = points
        if not _NAME.fullmatch(name):
            raise PluginError(
                f"the {self.kind} '{name}' of {_package(point)} cannot be used: a name has letters, digits, '.', '_' "
                "and '-', and begins with a letter or digit, because folders get this name; rename it in that package"
            )
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:
            raise self._unusable(point, f"{type(error).__name__}: {error}") from error
        if fault := self.fault(name, loaded):
            raise self._unusable(point, fault)
        return loaded

    def _unusable(self, point: EntryPoint, why: str) -> PluginError:
        return PluginError(
            f"the {self.kind} '{point.name}' of {_package(point)} cannot be used: {point.value}: {why}; fix that "
            f"package or uninstall it"
        )


def _package(point: EntryPoint) -> str:
    return "an unnamed package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def class_fault(method: str, loaded: Any) -> str:
    """Return why an object is not a frozen dataclass of settings with this method; "" if it is one."""
    if not isinstance(loaded, type):
        return f"it is a {type(loaded).__name__}, not a class of settings"
    if not callable(getattr(loaded, method, None)):
        return f"{loaded.__name__} has no method '{method}'"
    if "__dataclass_params__" not in vars(loaded) or not vars(loaded)["__dataclass_params__"].frozen:
        return f"{loaded.__name__} is not a frozen dataclass"
    try:
        loaded()
    except Exception as error:
        return f"{loaded.__name__}() fails, but every setting needs a default: {error}"
    return ""
