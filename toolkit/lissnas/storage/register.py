"""Register: things by their names, the project's own and those that packages of third parties add as entry points.

What is the project's own stands in a table of places. Others are looked for when a name is not in it or when all names
are asked for, and their packages are imported when one of their names is used.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lissnas.errors import PluginError, UnknownNameError


@dataclass(frozen=True)
class Register:
    """Everything of one kind that has a name.

    Attributes
    ----------
    kind
        What it is called in an error: "method".
    group
        The group of the entry points: "lissnas.shrinkers".
    builtin
        The project's own, each by its place ``module:attribute``; no one else may take their names.
    fault
        Given a name and what a third party registered under it, says what is wrong with that; "" if nothing is.
    """

    kind: str
    group: str
    builtin: Mapping[str, str]
    fault: Callable[[str, Any], str]

    def names(self) -> tuple[str, ...]:
        """Return all names, the project's own first; whether what a third party registered is sound is not asked."""
        return (*self.builtin, *sorted(self._registered()))

    def find(self, name: str) -> Any:
        """Return what has a name.

        Raises UnknownNameError with the nearest name, or PluginError if it is a third party's and cannot be used:
        it cannot be imported, is something else, or several packages claim the name.
        """
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        registered = self._registered()
        if name not in registered:
            raise UnknownNameError(self.kind, name, [*self.builtin, *registered])
        return self._loaded(name, registered[name])

    def valid_names(self) -> tuple[str, ...]:
        """Return the names of all that can be used; third parties' packages are imported to find out."""
        return (*self.builtin, *(name for name in self.names()[len(self.builtin) :] if not self._error(name)))

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with what third parties registered, a sentence each."""
        taken = [
            f"the {self.kind} '{point.name}' of {_package(point)} is left out: the name is the project's own"
            for point in self._points()
            if point.name in self.builtin
        ]
        return (*taken, *filter(None, map(self._error, sorted(self._registered()))))

    def _error(self, name: str) -> str:
        try:
            self._loaded(name, self._registered()[name])
        except PluginError as error:
            return str(error)
        return ""

    def _points(self) -> Iterator[EntryPoint]:
        yield from entry_points(group=self.group)

    def _registered(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for point in self._points():
            if point.name not in self.builtin:
                found.setdefault(point.name, []).append(point)
        return found

    def _loaded(self, name: str, points: list[EntryPoint]) -> Any:
        if len(points) > 1:
            packages = " and ".join(sorted(map(_package, points)))
            raise PluginError(f"{packages} both register a {self.kind} '{name}': uninstall one of them")
        [point] = points
        try:
            found = point.load()
        except (Exception, SystemExit) as error:
            raise self._refused(point, f"{type(error).__name__}: {error}") from error
        if fault := self.fault(name, found):
            raise self._refused(point, fault)
        return found

    def _refused(self, point: EntryPoint, why: str) -> PluginError:
        return PluginError(
            f"the {self.kind} '{point.name}' of {_package(point)} cannot be used: {point.value}: {why}; mend that "
            f"package or uninstall it"
        )


def _package(point: EntryPoint) -> str:
    return "an unnamed package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def class_fault(method: str, found: Any) -> str:
    """Say what keeps a thing from being the settings of a method that runs by `method`; "" if nothing does."""
    if not isinstance(found, type):
        return f"it is a {type(found).__name__}, not a class of settings"
    if not callable(getattr(found, method, None)):
        return f"{found.__name__} has no method '{method}'"
    if "__dataclass_params__" not in vars(found) or not vars(found)["__dataclass_params__"].frozen:
        return f"{found.__name__} is no frozen dataclass"
    try:
        found()
    except Exception as error:
        return f"{found.__name__}() fails, though every setting needs a default: {error}"
    return ""
