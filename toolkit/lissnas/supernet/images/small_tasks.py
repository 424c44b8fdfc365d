"""Two small image tasks on which a network trains in a second: digits, and Fashion-MNIST pooled to 8 x 8 pixels."""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Folder into which Debian's package dataset-fashion-mnist puts the official files."""

_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
"""SHA-256 of each file in Debian's version 0.0~git20200523."""

_SPLIT_SEED = 0
"""Seed of the fixed division into training, validation and test images."""


@dataclass(frozen=True)
class Images:
    """Images with their classes.

    Attributes
    ----------
    pixels
        float32 of shape (images, height, width), 0 to 1.
    labels
        int64 of shape (images,).
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def take(self, places: NDArray[np.int64]) -> "Images":
        """Return the images at some places."""
        return Images(self.pixels[places], self.labels[places])


@dataclass(frozen=True)
class ImageTask:
    """Images of ten classes, for training, validation and test."""

    name: str
    train: Images
    validation: Images
    test: Images

    def checksum(self) -> str:
        """Return the SHA-256 of all pixels and labels in their order; it depends on which image is in which part."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            digest.update(part.pixels.astype("<f4").tobytes() + part.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def digits() -> ImageTask:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels: 1,000 to train, 400 to validate, 397 to test."""
    # `sklearn.datasets.load_digits` reads the same file, but importing it takes a second.
    file = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(file), delimiter=",")
    images = Images((table[:, :-1].reshape(-1, 8, 8) / 16).astype(np.float32), table[:, -1].astype(np.int64))
    train, validation, test = np.split(_shuffled(len(images.labels)), [1_000, 1_400])
    return ImageTask("digits", images.take(train), images.take(validation), images.take(test))


def fashion_mnist(folder: Path = FASHION_MNIST) -> ImageTask:
    """Return Fashion-MNIST at 8 x 8 pixels: 2,000 images to train, 1,000 to validate, 4,000 to test.

    Images of 28 x 28 pixels get a border of two pixels; then each 4 x 4 pixels are averaged. Training and validation
    images are drawn from the official training set, test images from the official test set.

    Parameters
    ----------
    folder
        Folder of the four official files. By default where Debian's dataset-fashion-mnist puts them.

    Raises
    ------
    LissnasError
        If a file is missing, or is not the official one.
    """
    names = list(_FASHION_FILES)
    train_set = Images(_pooled(_official(folder, names[0])), _official(folder, names[1]).astype(np.int64))
    test_set = Images(_pooled(_official(folder, names[2])), _official(folder, names[3]).astype(np.int64))
    train, validation = np.split(_shuffled(len(train_set.labels))[:3_000], [2_000])
    test = _shuffled(len(test_set.labels))[:4_000]
    return ImageTask("fashion-mnist", train_set.take(train), train_set.take(validation), test_set.take(test))


TASKS: dict[str, Callable[[], ImageTask]] = {"digits": digits, "fashion-mnist": fashion_mnist}


def _shuffled(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SPLIT_SEED).permutation(count)


def _pooled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images of 28 x 28 bytes as 8 x 8 means from 0 to 1."""
    bordered = np.pad(pixels, ((0, 0), (2, 2), (2, 2))).reshape(len(pixels), 8, 4, 8, 4)
    return (bordered.mean((2, 4), dtype=np.float64) / 255).astype(np.float32)


def _official(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read an idx file: a head of 4 bytes, whose last is the number of axes; their lengths; then the bytes."""
    remedy = "install dataset-fashion-mnist, or give the folder with the four files of zalandoresearch/fashion-mnist"
    try:
        packed = (folder / name).read_bytes()
    except OSError as error:
        raise LissnasError(f"{folder / name}: cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(packed).hexdigest() != _FASHION_FILES[name]:
        raise LissnasError(f"{folder / name}: not the official file (its SHA-256 differs); {remedy}")
    data = gzip.decompress(packed)
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
