"""The packaged recipes: their names and texts. Imports no torch, because the help of commands lists them."""

from importlib.resources import files
from itertools import takewhile

_FOLDER = files("lissnas.supernet.recipes")


def recipe_names() -> tuple[str, ...]:
    """Return the names of all packaged recipes."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


def packaged_recipe(name: str) -> str:
    """Return the text of a packaged recipe."""
    return (_FOLDER / f"{name}.toml").read_text()


def heading(name: str) -> str:
    """Return the comments at the top of a packaged recipe: its source, and what is our own choice."""
    lines = packaged_recipe(name).splitlines()
    return "\n".join(takewhile(lambda line: line.startswith("#"), lines)) + "\n\n"
