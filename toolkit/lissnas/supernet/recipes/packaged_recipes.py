"""The recipes that come with the project: their names, and what their files say. Help names them, so without torch."""

from importlib.resources import files
from itertools import takewhile

_FOLDER = files("lissnas.supernet.recipes")


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes that come with the project."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


def packaged_recipe(name: str) -> str:
    """Return the file of a recipe that comes with the project."""
    return (_FOLDER / f"{name}.toml").read_text()


def heading(name: str) -> str:
    """Return the comments at the top of a recipe that comes with the project: where it is from, what is our choice."""
    lines = packaged_recipe(name).splitlines()
    return "\n".join(takewhile(lambda line: line.startswith("#"), lines)) + "\n\n"
