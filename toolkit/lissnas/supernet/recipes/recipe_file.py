"""Reads a recipe from TOML strictly: unknown keys and wrong types are errors that name the key."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from lissnas.errors import LissnasError, SettingError, UnknownNameError
from lissnas.supernet.recipes.packaged_recipes import packaged_recipe, recipe_names
from lissnas.supernet.recipes.run_recipe import RunRecipe


def read_recipe(recipe: str, changes: Iterable[str] = ()) -> RunRecipe:
    """Return a recipe.

    Parameters
    ----------
    recipe
        One of `recipe_names`, or the path of a TOML file.
    changes
        Changes such as "training.steps=2000": a key and a TOML value, where strings may omit their quotes. A key
        without a value gets its default.

    Raises
    ------
    UnknownNameError, LissnasError
        If the recipe does not exist or cannot be read.
    SettingError
        If a key is unknown or missing, a value has the wrong type, or two values do not fit each other.
    """
    if recipe in recipe_names():
        content = packaged_recipe(recipe).encode()
    elif Path(recipe).suffix or Path(recipe).exists():
        try:
            content = Path(recipe).read_bytes()
        except OSError as error:
            raise LissnasError(f"{recipe}: {error.strerror}; give the path of a recipe file") from error
    else:
        if of_space := [name for name in recipe_names() if _space(name) == recipe]:
            raise LissnasError(f"'{recipe}' is a space; give a recipe of it: {', '.join(of_space)}")
        raise UnknownNameError("recipe, and no file,", recipe, recipe_names())
    try:
        given = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise LissnasError(f"{recipe}: not a TOML file ({error}); correct it there") from error
    for change in changes:
        _change(given, change)
    made: RunRecipe = _made(RunRecipe, given, recipe, "")
    return made


def _space(name: str) -> str:
    """Return the search space of a packaged recipe."""
    return str(tomllib.loads(packaged_recipe(name))["network"]["space"])


def _change(given: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise SettingError(f"a change is written as 'training.steps=2000', not as '{change}'")
    table = given
    for name in names[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise SettingError(f"{key}: {name} is not a table; a change is written as 'training.steps=2000'")
    if not value.strip():
        table.pop(names[-1], None)
        return
    try:
        table[names[-1]] = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        table[names[-1]] = value


def _made(kind: Any, given: Any, source: str, place: str, chosen_by: str = "") -> Any:
    """Return a dataclass built from a table.

    Parameters
    ----------
    place
        Key of the table in the file `source`.
    chosen_by
        Key that selected the class, if there is one.
    """
    if not isinstance(given, Mapping):
        raise SettingError(f"{source}: {place} must be a table, as [{place}], not {given!r}")
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    for name in given:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{nearest[0]}'? " if nearest else ""
            where = f"in [{place}]" if place else "at the top"
            way_out = f"; --set {place}= removes the settings of another {chosen_by}" if chosen_by else ""
            raise SettingError(
                f"{source}: unknown key '{name}' {where}: {hint}known: {', '.join(known) or 'none'}{way_out}"
            )
    values: dict[str, Any] = {}
    for field in fields(kind):
        key = f"{place}.{field.name}".lstrip(".")
        if hints[field.name] is Any:
            name, shrinker_class = kind.SETTINGS
            try:
                chosen = shrinker_class(values.get(name, kind.__dataclass_fields__[name].default))
            except UnknownNameError as error:
                raise SettingError(f"{source}: {place}.{name}: {error}") from error
            values[field.name] = _made(chosen, given.get(field.name, {}), source, key, name)
        elif field.name in given or field.default_factory is not MISSING:
            inner = _table(hints[field.name])
            read = given.get(field.name, {})
            values[field.name] = _made(inner, read, source, key) if inner else _value(read, field, hints, source, key)
        elif field.default is MISSING:
            raise SettingError(f"{source}: {key} is missing; see 'lissnas supernet recipe digits' for what it means")
    try:
        return kind(**values)
    except SettingError as error:
        raise SettingError(f"{source}: [{place}] {error}" if place else f"{source}: {error}") from error


def _table(hint: Any) -> Any:
    """Return the dataclass of a field, or None."""
    return next((part for part in (hint, *get_args(hint)) if is_dataclass(part)), None)


def _value(read: Any, field: Any, hints: Mapping[str, Any], source: str, key: str) -> Any:
    hint = hints[field.name]
    if get_origin(hint) is Literal and read not in get_args(hint):
        known = [str(each) for each in get_args(hint)]
        nearest = get_close_matches(str(read), known, n=1, cutoff=0.5)
        suggestion = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise SettingError(f"{source}: {key} cannot be {read!r}: {suggestion}known: {', '.join(known)}")
    try:
        value = msgspec.convert(read, hint)
    except msgspec.ValidationError as error:
        expected = str(error).split(" - at")[0].replace("`", "").replace("Expected", "expected")
        raise SettingError(f"{source}: {key} is {read!r}: {expected}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingError(f"{source}: {key} is {read!r}: expected a finite number")
    return value
