"""`lissnas supernet recipe`: prints a complete recipe file."""

from dataclasses import dataclass

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import show
from lissnas_analyses.cli.supernet.options import AnyRecipe, Changes, need_torch


@dataclass(frozen=True)
class RecipeResult(CommandResult):
    """A recipe: its name or file, and the text of a complete recipe file."""

    name: str
    text: str


@json_command
def recipe(recipe: AnyRecipe, /, *, changes: Changes = ()) -> RecipeResult:
    """Print a complete recipe with all defaults and the meaning of each key, as a start for your own recipe file."""
    need_torch()
    from lissnas.supernet.recipes.packaged_recipes import heading, recipe_names
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.recipes.recipe_text import recipe_text

    text = recipe_text(read_recipe(recipe, changes))
    if recipe in recipe_names():
        text = heading(recipe) + text
    show(text.rstrip("\n"))
    return RecipeResult(recipe, text)
