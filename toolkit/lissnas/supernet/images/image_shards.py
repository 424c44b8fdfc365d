"""ImageNet from tar files in the layout of WebDataset: samples of files with the same name, one with the class number.

The webdataset library reads such files as a stream, from the beginning. A training that goes on at step n with the same
images as if it had never stopped needs any image at any time: here the files are gone through once for where each image
begins, and read there. The library expands the names of files, and decides which files within are a sample.
"""

import glob
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError, SettingError, one_line
from lissnas.supernet.images.image_file_source import ImageFileSource
from lissnas.supernet.images.image_files import ImageFileSettings, check_classes
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.images.shard_index import ShardIndex, shard_index


def shard_source(train: str, validation: str, beside: Path, settings: ImageFileSettings) -> ImageSource:
    """Return the images of two sets of WebDataset shards as `ImageSource`.

    A sample is an image and a file `.cls` with the number of its class, counted from 0. Images are sorted by class and
    name: which shard one is in decides nothing. They are read in any order, which suits local disks and the file
    systems of clusters.

    Parameters
    ----------
    train, validation
        Paths of tar files, with `{000..146}` for numbers or `*` for anything.
    beside
        The folder of the run, where it is kept which images are held out, and where each begins.
    settings
        How the images are used.

    Raises
    ------
    SettingError, LissnasError
        If webdataset is missing, or a shard; if training and validation images are of other classes; and as
        `shard_index` and ImageFileSource.
    """
    learnt = _images(train, beside / "training-shards.npz")
    judged = _images(validation, beside / "validation-shards.npz")
    classes, others = (map(str, range(images.labels[-1] + 1)) for images in (learnt, judged))
    check_classes(f"{train} and {validation}", classes, others, settings.classes)
    return ImageFileSource(learnt, judged, beside, settings)


@dataclass(frozen=True)
class _ShardImages:
    """Images within tar files; their names are those of their samples."""

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
