"""The parts of a small task as an image source."""

import numpy as np
import pytest
import torch
from lissnas.errors import SettingError
from lissnas.supernet.images.image_source import ImageSource, small_source
from lissnas.supernet.images.small_tasks import FASHION_MNIST, TASKS, digits


@pytest.fixture(scope="module")
def source() -> ImageSource:
    return small_source(digits())


@pytest.mark.parametrize("name", TASKS)
def test_a_small_source_describes_its_images(name: str) -> None:
    if name == "fashion-mnist" and not FASHION_MNIST.is_dir():
        pytest.skip("Fashion-MNIST is not here; Debian has it as dataset-fashion-mnist")
    task = TASKS[name]()
    source = small_source(task)
    assert source.classes == len(np.unique(task.train.labels))
    images, labels = next(iter(source.held_out(7)))
    assert images.shape == (7, source.channels, source.size, source.size)
    assert images.dtype == torch.float32
    assert labels.tolist() == task.validation.labels[:7].tolist()


def test_training_images_have_mean_0_and_deviation_1(source: ImageSource) -> None:
    [images] = source.recalibration(1, 1000)
    assert images.mean().item() == pytest.approx(0, abs=1e-6)
    assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_other_parts_are_standardized_by_the_training_images(source: ImageSource) -> None:
    task = digits()
    mean, deviation = task.train.pixels.mean(), task.train.pixels.std()
    for pieces, part in (
        (source.held_out(150), task.validation),
        (source.official_validation(150), task.test),
    ):
        images = torch.cat([piece[0] for piece in pieces])
        torch.testing.assert_close(images[:, 0], torch.from_numpy((part.pixels - mean) / deviation))
        assert torch.cat([piece[1] for piece in pieces]).tolist() == part.labels.tolist()


def test_an_epoch_has_every_training_image_with_its_label(source: ImageSource) -> None:
    task = digits()
    steps = source.train.steps(100, 1, [0], seed=3, first_step=0)
    pieces = [next(steps)[0] for _ in range(10)]
    [expected] = source.recalibration(1, 1000)
    trained = sorted(
        (image.numpy().tobytes(), int(label))
        for images, labels in pieces
        for image, label in zip(images, labels, strict=True)
    )
    assert trained == sorted(
        (image.numpy().tobytes(), int(label)) for image, label in zip(expected, task.train.labels, strict=True)
    )


def test_no_held_out_or_official_validation_image_is_trained_on(source: ImageSource) -> None:
    [trained] = source.recalibration(1, 1000)
    seen = {image.numpy().tobytes() for image in trained}
    for pieces in (source.held_out(400), source.official_validation(397)):
        assert not seen & {image.numpy().tobytes() for images, _ in pieces for image in images}


def test_too_many_recalibration_images_are_an_error(source: ImageSource) -> None:
    assert [len(images) for images in source.recalibration(4, 250)] == [250] * 4
    with pytest.raises(SettingError, match=r"5 batches of 250 images .* the 1000 training images"):
        source.recalibration(5, 250)
