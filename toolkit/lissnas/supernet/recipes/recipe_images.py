"""Opens the images of a recipe, and makes its first path sampler."""

from pathlib import Path

from lissnas.errors import SettingError
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_shards import shard_source
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import digits, fashion_mnist
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.training.path_samplers import (
    FairPathSampler,
    FlopsBinPathSampler,
    PathSampler,
    SandwichPathSampler,
    UniformPathSampler,
)


def open_images(recipe: RunRecipe, folder: Path) -> ImageSource:
    """Return the images of a run.

    Parameters
    ----------
    folder
        The folder of the run, which gets the list of held-out images.

    Raises
    ------
    LissnasError
        If images are missing or incomplete.
    SettingError
        If the number of classes is not that of the recipe.
    """
    images = recipe.images
    if images.files is None:
        task = digits() if images.kind == "digits" else fashion_mnist(Path(images.fashion_mnist))
        return small_source(task)
    if images.kind == "folder":
        source = folder_source(Path(images.train), Path(images.validation), folder, images.files)
    else:
        source = shard_source(images.train, images.validation, folder, images.files)
    if source.classes != recipe.network.classes:
        raise SettingError(
            f"{images.train} holds {source.classes} classes, but network.classes is {recipe.network.classes}: "
            "give the one or the other"
        )
    return source


def first_paths(recipe: RunRecipe) -> PathSampler:
    """Return the sampler that draws the paths of each step before the first round of shrinking."""
    space, paths = recipe.network.search_space(), recipe.paths
    match paths.sampler:
        case "uniform":
            return UniformPathSampler(space)
        case "fair":
            return FairPathSampler(space)
        case "flops-bins":
            return FlopsBinPathSampler(space, recipe.network.costs().multiply_accumulates, paths.bin_edges)
        case "sandwich":
            return SandwichPathSampler(space, recipe.network.costs().multiply_accumulates, paths.random_paths)
