"""The two small tasks have the same images in the same parts on every machine."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import LissnasError
from lissnas.supernet.images.small_tasks import FASHION_MNIST, ImageTask, digits, fashion_mnist
from sklearn.datasets import load_digits

needs_fashion_mnist = pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason="Fashion-MNIST is not here; Debian has it as dataset-fashion-mnist"
)


def _parts(task: ImageTask) -> list[int]:
    return [len(part.labels) for part in (task.train, task.validation, task.test)]


def test_digits_have_the_parts_of_the_published_table() -> None:
    assert _parts(digits()) == [1_000, 400, 397]
    assert digits().checksum() == "bce87b9b2bc327722f35765862b0d01a3dda619bfb90f67009e28412695282fd"


def test_every_digit_is_in_one_part_with_its_own_label() -> None:
    official = load_digits()
    expected = sorted((image.tobytes(), label) for image, label in zip(official.images, official.target, strict=True))
    task = digits()
    found = [
        ((16 * image.astype(np.float64)).tobytes(), label)
        for part in (task.train, task.validation, task.test)
        for image, label in zip(part.pixels, part.labels, strict=True)
    ]
    assert sorted(found) == expected


@needs_fashion_mnist
def test_fashion_mnist_has_the_parts_of_the_published_table() -> None:
    assert _parts(fashion_mnist()) == [2_000, 1_000, 4_000]
    assert fashion_mnist().checksum() == "2b170ef117d3f40d475191e9f860412d9dae669e21865f25a81abf2c316d767c"


@needs_fashion_mnist
def test_a_small_image_has_the_means_of_4_x_4_pixels_with_a_border() -> None:
    packed = (FASHION_MNIST / "t10k-images-idx3-ubyte.gz").read_bytes()
    official = np.frombuffer(gzip.decompress(packed)[16:], np.uint8).reshape(-1, 28, 28)
    place = np.random.default_rng(0).permutation(10_000)[0]
    small = fashion_mnist().test.pixels[0]
    assert small[0, 0] == pytest.approx(official[place, :2, :2].sum() / 16 / 255)
    assert small[3, 4] == pytest.approx(official[place, 10:14, 14:18].mean() / 255)


@needs_fashion_mnist
def test_training_and_validation_images_are_disjoint() -> None:
    task = fashion_mnist()
    train, validation = (
        {hashlib.sha256(image.tobytes()).digest() for image in part.pixels} for part in (task.train, task.validation)
    )
    assert not train & validation


def test_the_error_for_a_missing_official_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match=r"train-images-idx3-ubyte\.gz: cannot be read.*dataset-fashion-mnist"):
        fashion_mnist(tmp_path)


def test_another_file_of_the_official_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(100)))
    with pytest.raises(LissnasError, match="not the official file"):
        fashion_mnist(tmp_path)
