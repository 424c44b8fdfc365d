"""The command that prints recipes of supernets."""

from dataclasses import dataclass

from lissnas_analyses.commands.answer import Answer, answering
from lissnas_analyses.commands.supernet_options import Changes, need_torch
from lissnas_analyses.commands.terminal import show


@dataclass(frozen=True)
class PrintedRecipe(Answer):
    """A recipe: its name or file, and the text of a recipe file that says all of it."""

    name: str
    text: str


@answering
def recipe(name: str, /, *, changes: Changes = ()) -> PrintedRecipe:
    """Print a recipe whole, its defaults too, with what each key means: a recipe file to begin one's own with.

    Parameters
    ----------
    name
        Name of a recipe that comes with the project, or path of a recipe file.
    """
    need_torch()
    from lissnas.supernet.recipe_file import heading, read_recipe, recipe_names
    from lissnas.supernet.recipe_text import recipe_text

    text = recipe_text(read_recipe(name, changes))
    if name in recipe_names():
        text = heading(name) + text
    show(text.rstrip("\n"))
    return PrintedRecipe(name, text)
