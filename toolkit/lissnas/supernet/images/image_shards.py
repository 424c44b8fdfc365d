"""Images from WebDataset shards: tar files in which the files of a sample share a name, and one has its class number.

The webdataset library reads shards as streams, from the start. A training that resumes at any step needs random access,
so the shards are indexed once, and each image is read at its offset. The library still expands the names of shards, and
groups files into samples.
"""

import glob
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError, SettingError, one_line
from lissnas.supernet.images.image_file_source import ImageFileSource
from lissnas.supernet.images.image_files import ImageFiles, ImageFileSettings, check_classes
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.images.shard_index import ShardIndex, shard_index


def shard_source(train: str, validation: str, run_folder: Path, settings: ImageFileSettings) -> ImageSource:
    """Return the images of two sets of WebDataset shards as `ImageSource`.

    A sample is an image, and a file `.cls` with its class number, from 0. Images are sorted by class and name, so their
    distribution over shards does not matter. They are read in any order, which suits local disks and cluster file
    systems.

    Parameters
    ----------
    train, validation
        Paths of tar files, with `{000..146}` for numbers or `*` for anything.
    run_folder
        Folder of the run. It gets the list of held-out images and the index of the shards.
    settings
        How the images are used.

    Raises
    ------
    SettingError, LissnasError
        If webdataset or a shard is missing; if training and validation images have different classes; and as
        `shard_index` and ImageFileSource.
    """
    return ImageFileSource(*list_shards(train, validation, run_folder, settings.classes), run_folder, settings)


def list_shards(
    train: str, validation: str, index_folder: Path, classes: int | None = None
) -> tuple[ImageFiles, ImageFiles]:
    """Return the training and the validation images of `shard_source`; a folder gets the index of the shards."""
    train_images = _images(train, index_folder / "training-shards.npz")
    validation_images = _images(validation, index_folder / "validation-shards.npz")
    train_classes, validation_classes = (
        map(str, range(images.labels[-1] + 1)) for images in (train_images, validation_images)
    )
    check_classes(f"{train} and {validation}", train_classes, validation_classes, classes)
    return train_images, validation_images


@dataclass(frozen=True)
class _ShardImages:
    """Images in tar files; their names are the names of their samples."""

    shards: tuple[str, ...]
    index: ShardIndex

    @property
    def names(self) -> NDArray[np.bytes_]:
        return self.index.names

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.index.labels

    def where(self, place: int) -> str:
        return one_line(f"{self.shards[self.index.shards[place]]}: {os.fsdecode(self.names[place])}")

    def read(self, place: int) -> bytes:
        with open(self.shards[self.index.shards[place]], "rb", buffering=0) as file:
            return os.pread(file.fileno(), int(self.index.sizes[place]), int(self.index.begins[place]))

    def take(self, places: NDArray[np.int64]) -> "_ShardImages":
        return _ShardImages(self.shards, self.index.take(places))


def _images(pattern: str, index: Path) -> _ShardImages:
    try:
        from webdataset.shardlists import expand_urls
    except ImportError as error:
        raise SettingError(f"shards need webdataset ({error}): pip install 'lissnas[imagenet]'") from error

    shards = tuple(
        shard
        for part in expand_urls(pattern)
        for shard in (sorted(glob.glob(part)) if glob.has_magic(part) else [part])
    )
    if not shards:
        raise LissnasError(f"{pattern}: no such file; give the paths of the shards")
    return _ShardImages(shards, shard_index(shards, index))
