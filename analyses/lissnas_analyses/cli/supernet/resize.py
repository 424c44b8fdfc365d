"""`lissnas supernet resize`: resized copies of the images of a recipe, which are decoded faster."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import activity, progress, say
from lissnas_analyses.cli.supernet.options import AnyRecipe, Changes, need_torch
from lissnas_analyses.sentences import counted


@dataclass(frozen=True)
class ResizedImages(CommandResult):
    """Resized copies of training and validation images.

    Attributes
    ----------
    train, validation
        The paths of their shards, as `images.train` and `images.validation` take them.
    images, unreadable
        Number of copies, and of images that cannot be read.
    shards, kept
        Number of shards, and how many of them an earlier call wrote.
    bytes
        Size of all shards.
    """

    train: str
    validation: str
    images: int
    unreadable: int
    shards: int
    kept: int
    bytes: int


@json_command
def resize(
    recipe: AnyRecipe,
    /,
    *,
    to: Annotated[Path, Parameter(help="Folder for the shards.")],
    shorter_side: Annotated[
        int,
        Parameter(
            help="Length of the shorter side in pixels; smaller images keep their size.",
            validator=validators.Number(gte=1),
        ),
    ] = 256,
    format: Annotated[  # noqa: A002  # the name of the option
        Literal["jpeg", "ppm"],
        Parameter(help="JPEG of quality 95, or uncompressed pixels, which need no decoding and much more disk space."),
    ] = "jpeg",
    changes: Changes = (),
) -> ResizedImages:
    """Write resized copies of a recipe's image files into WebDataset shards, which are decoded faster.

    A stopped command continues, and a repeated one verifies all shards. Crops of copies are less sharp than those of
    the original images, so that training on copies is another training.
    """
    need_torch()
    from lissnas.supernet.images.resized_shards import ResizedCopies, write_resized_shards
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.recipes.recipe_images import list_image_files

    read = read_recipe(recipe, changes)
    copies = ResizedCopies(shorter_side, format)
    to.mkdir(parents=True, exist_ok=True)
    both = dict(zip(("train", "validation"), list_image_files(read, to), strict=True))
    files = read.images.files
    assert files is not None
    with progress():
        written = [
            write_resized_shards(
                images,
                to,
                part,
                copies,
                files.workers,
                files.max_unreadable,
                partial(activity.report, f"{part} images"),
            )
            for part, images in both.items()
        ]
    train, validation = (each.pattern for each in written)
    result = ResizedImages(
        train,
        validation,
        sum(each.images for each in written),
        sum(each.unreadable for each in written),
        sum(each.shards for each in written),
        sum(each.kept for each in written),
        sum(each.size for each in written),
    )
    missing = f", {counted(result.unreadable, 'image')} cannot be read" if result.unreadable else ""
    say(
        f"{counted(result.images, 'image')} in {counted(result.shards, 'shard')}, {result.bytes / 1e6:,.1f} MB"
        f"{missing}; {result.kept} of the shards were there and are intact",
        indent=2,
    )
    say(
        f"to use them: --set images.kind=shards --set 'images.train={train}' --set 'images.validation={validation}'",
        indent=2,
    )
    return result
