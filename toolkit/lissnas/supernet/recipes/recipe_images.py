"""Opens the images of a recipe, and makes its first path sampler."""

from pathlib import Path

from lissnas.errors import SettingError
from lissnas.supernet.images.image_files import ImageFiles
from lissnas.supernet.images.image_folder import folder_source, list_folders
from lissnas.supernet.images.image_shards import list_shards, shard_source
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import ImageTask, digits, fashion_mnist
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
        return small_source(_small_task(recipe))
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


def list_image_files(recipe: RunRecipe, index_folder: Path) -> tuple[ImageFiles, ImageFiles]:
    """Return the training and the validation images of a recipe whose images are in files.

    Parameters
    ----------
    index_folder
        Gets the index of shards.

    Raises
    ------
    SettingError
        If the images of the recipe are not in files.
    LissnasError
        If images are missing or incomplete.
    """
    images = recipe.images
    if images.files is None:
        raise SettingError(f"images of the kind '{images.kind}' are in memory; choose a recipe with images in files")
    if images.kind == "folder":
        return list_folders(Path(images.train), Path(images.validation), images.files.classes)
    return list_shards(images.train, images.validation, index_folder, images.files.classes)


def describe_input(recipe: RunRecipe) -> dict[str, object]:
    """Return how an image becomes the input of a network, in words and numbers."""
    images, network = recipe.images, recipe.network
    described: dict[str, object] = {"channels": network.input_channels, "size": network.image_size}
    if images.files is None:
        pixels = _small_task(recipe).train.pixels
        mean, deviation = float(pixels.mean(dtype="float64")), float(pixels.std(dtype="float64"))
        return described | {"values": "gray, 0 to 1", "mean": round(mean, 6), "standard_deviation": round(deviation, 6)}
    shorter = images.files.augmentation.shorter_side
    return described | {"order": "blue, green, red", "values": "0 to 255, not normalized", "shorter_side": shorter}


def _small_task(recipe: RunRecipe) -> ImageTask:
    images = recipe.images
    return digits() if images.kind == "digits" else fashion_mnist(Path(images.fashion_mnist))


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
