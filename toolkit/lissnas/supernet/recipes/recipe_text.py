"""Writes a recipe as a complete TOML file: each key with its value, and its docstring as a comment."""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import groupby, pairwise
from typing import Any

from lissnas.supernet.recipes.run_recipe import RunRecipe

_WIDTH = 80

_ATTRIBUTES = re.compile(r"^Attributes\n-+\n", re.MULTILINE)


def recipe_text(recipe: RunRecipe) -> str:
    """Return the text of the file; reading it gives the same recipe."""
    return "\n".join(_lines(recipe, "")).strip("\n") + "\n"


def meanings(kind: type) -> dict[str, str]:
    """Return the meaning of each field of a dataclass, from the class docstring or the string below the field."""
    return _below_fields(kind) | _attributes(inspect.getdoc(kind) or "")


def differing_keys(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each key with different values in two recipes, with both values."""
    if not (is_dataclass(one) and type(one) is type(other)):
        if one != other:
            yield place, one, other
        return
    for field in fields(one):
        key = f"{place}.{field.name}".lstrip(".")
        yield from differing_keys(getattr(one, field.name), getattr(other, field.name), key)


def _lines(table: Any, place: str) -> Iterator[str]:
    meant = meanings(type(table))
    inner = [field.name for field in fields(table) if is_dataclass(getattr(table, field.name))]
    values = [field.name for field in fields(table) if field.name not in inner]
    for meaning, names in groupby(values, key=lambda name: meant.get(name, "")):
        yield from textwrap.wrap(meaning, _WIDTH, initial_indent="# ", subsequent_indent="# ")
        for name in names:
            value = getattr(table, name)
            yield f"# {name} is not set" if value is None else f"{name} = {_written(value)}"
        yield ""
    for name in inner:
        key = f"{place}.{name}".lstrip(".")
        yield ""
        yield from textwrap.wrap(meant.get(name, ""), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"[{key}]"
        yield from _lines(getattr(table, name), key)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _attributes(docstring: str) -> dict[str, str]:
    """Return the descriptions in the section "Attributes" of a docstring, by name."""
    begin = _ATTRIBUTES.search(docstring)
    if begin is None:
        return {}
    found: dict[str, str] = {}
    names: list[str] = []
    for line in docstring[begin.end() :].splitlines():
        if line and not line.startswith(" "):
            names = line.split(", ")
        else:
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def _below_fields(kind: type) -> dict[str, str]:
    """Return the strings below the fields of a class and of its base classes, by field."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        [definition] = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        body = getattr(definition, "body", [])
        for field, below in pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[field.target.id] = " ".join(below.value.value.split())
    return found
