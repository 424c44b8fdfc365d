"""Augmentation on the device that trains gives the pixels of the workers, from the same random numbers."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import image_tree as made
import numpy as np
import pytest
import torch
from counted_reads import CountedReads
from lissnas.errors import LissnasError
from lissnas.supernet.images.decoding import device_decoding
from lissnas.supernet.images.decoding.augmentations import ABS_AUGMENTATION, SPOS_AUGMENTATION, Augmentation
from lissnas.supernet.images.decoding.device_augmentation import AugmentedOnDevice, pack
from lissnas.supernet.images.image_folder import folder_source
from PIL import Image
from torch import Tensor

RESIZED_ONLY = replace(SPOS_AUGMENTATION, size=48, color_jitter=0.0)
CHAINS = {
    "crop and flip": RESIZED_ONLY,
    "jitter": replace(SPOS_AUGMENTATION, size=48),
    "strong jitter": replace(SPOS_AUGMENTATION, size=48, color_jitter=1.0),
    "lighting": replace(RESIZED_ONLY, lighting_std=0.1),
    "ABS": replace(ABS_AUGMENTATION, size=48),
    "ABS, padded": replace(ABS_AUGMENTATION, size=48, min_crop_area=0.6),
    "jitter without antialias": replace(SPOS_AUGMENTATION, size=48, antialias=False),
}


def _images(count: int = 12) -> list[Image.Image]:
    """Return noise, which shows every difference, with sizes from 20 to 200 pixels."""
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (*rng.integers(20, 200, 2), 3), dtype=np.uint8)) for _ in range(count)]


def _by_workers(augmentation: Augmentation, images: list[Image.Image]) -> Tensor:
    transform, found = augmentation.for_training(), []
    for seed, image in enumerate(images):
        torch.manual_seed(seed)
        found.append(transform(image))
    return torch.stack(found)


def _on_device(augmentation: Augmentation, images: list[Image.Image]) -> AugmentedOnDevice:
    drawn, crops = [], []
    for seed, image in enumerate(images):
        torch.manual_seed(seed)
        drawn.append(augmentation.draw(image.height, image.width))
        top, left, height, width = drawn[-1][:4]
        crops.append(np.asarray(image.crop((left, top, left + width, top + height))))
    return AugmentedOnDevice(pack(crops, drawn), augmentation)


@pytest.mark.parametrize("name", CHAINS)
def test_each_chain_gives_the_pixels_of_the_workers_but_for_rounding(name: str) -> None:
    """Pillow chooses whether columns or rows are rounded first, and torchvision, without antialias, rounds weights.

    Jitter multiplies that by up to 2^3.
    """
    augmentation, images = CHAINS[name], _images()
    found = _on_device(augmentation, images).to(torch.device("cpu"))
    expected = _by_workers(augmentation, images)
    assert found.dtype == torch.uint8
    difference = (found.int() - expected.int()).abs()
    jitter = (1 + augmentation.color_jitter) ** 3
    resizing = 1 if augmentation.antialias else 2
    assert difference.max() <= (np.ceil(resizing * jitter) + 1 if augmentation.color_jitter else resizing)
    assert difference.float().mean() < 0.25 * jitter


@pytest.mark.parametrize("changed", [{}, {"color_jitter": 0.9}, {"lighting_std": 0.2}])
def test_colors_and_flips_have_the_bits_of_pillow_where_nothing_is_resized(changed: dict[str, float]) -> None:
    augmentation = replace(SPOS_AUGMENTATION, size=60, min_crop_area=1.0, max_aspect_ratio=1.0, **changed)
    rng = np.random.default_rng(1)
    images = [Image.fromarray(rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)) for _ in range(40)]
    assert torch.equal(_on_device(augmentation, images).to(torch.device("cpu")), _by_workers(augmentation, images))


def test_an_image_that_no_order_of_rounding_touches_is_resized_to_the_same_bits() -> None:
    """Columns alone are resized, and rows alone."""
    rng = np.random.default_rng(1)
    for shape in ((48, 131, 3), (131, 48, 3), (48, 21, 3)):
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
        draw = RESIZED_ONLY.draw(*shape[:2])._replace(top=0, left=0, height=shape[0], width=shape[1], flipped=False)
        found = AugmentedOnDevice(pack([np.asarray(image)], [draw]), RESIZED_ONLY).to(torch.device("cpu"))
        expected = np.asarray(image.resize((48, 48), Image.Resampling.BILINEAR))[..., ::-1]
        assert np.array_equal(found[0].permute(1, 2, 0).numpy(), expected)


def test_pixels_are_those_of_real_numbers_but_for_rounding() -> None:
    """Resizing in float64 by torch itself, without the rounding between its two passes."""
    images = _images()
    augmented = _on_device(RESIZED_ONLY, images)
    found = augmented.to(torch.device("cpu"))
    for seed, (image, pixels) in enumerate(zip(images, found, strict=True)):
        torch.manual_seed(seed)
        draw = RESIZED_ONLY.draw(image.height, image.width)
        real = torch.from_numpy(np.asarray(image).astype(np.float64)).permute(2, 0, 1)[None]
        crop = real[..., draw.top : draw.top + draw.height, draw.left : draw.left + draw.width]
        expected = torch.nn.functional.interpolate(crop, (48, 48), mode="bilinear", antialias=True)[0].flip(0)
        expected = expected.flip(2) if draw.flipped else expected
        assert (pixels - expected).abs().max() <= 1.01  # half a level after each of two passes


def test_an_image_does_not_depend_on_the_others_of_its_batch() -> None:
    images = _images()
    together = _on_device(CHAINS["jitter"], images).to(torch.device("cpu"))
    alone = _on_device(CHAINS["jitter"], images[:1]).to(torch.device("cpu"))
    assert torch.equal(together[:1], alone)


def test_a_batch_reads_sizes_that_are_on_the_processor_and_nothing_else() -> None:
    augmented = _on_device(CHAINS["ABS"], _images(3))
    with CountedReads() as reads:
        augmented.to(torch.device("cpu"), non_blocking=True)
    assert reads.names == ["tolist", "__int__", "_local_scalar_dense"]  # two reads of `boxes`, before it is copied


@pytest.mark.parametrize("workers", [0, 1])
def test_a_recipe_chooses_where_images_are_augmented(tmp_path: Path, workers: int) -> None:
    tree = made.make_tree(tmp_path / "tree", training=8, validation=1)
    batches = []
    for on_device in ("nothing", "augmentation"):
        settings = replace(made.SETTINGS, on_device=on_device, workers=workers)
        source = folder_source(tree / "train", tree / "val", tmp_path / "run", settings)
        steps = islice(source.train.steps(8, 2, [0, 1], 3, 0), 2)
        pairs = [batch for step in steps for batch in step]
        pixels = [images.to(torch.device("cpu"), non_blocking=True) for images, _ in pairs]
        batches.append((torch.cat(pixels).int(), torch.cat([labels for _, labels in pairs])))
    (expected, labels), (found, their_labels) = batches
    assert torch.equal(labels, their_labels)
    assert (found - expected).abs().max() <= 4
    assert (found - expected).abs().float().mean() < 1


def test_files_are_decoded_on_the_device_and_by_pillow_where_torchvision_cannot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One file is no JPEG, and one is truncated: the same image of its class replaces it."""
    tree = made.make_tree(tmp_path / "tree", training=8, validation=1)
    first, second, *_ = sorted((tree / "train" / made.CLASSES[1]).iterdir())
    first.write_bytes(made.encoded(Image.open(first)))
    second.write_bytes(second.read_bytes()[:-40])
    device_decoding._warn_once.cache_clear()
    batches = []
    for on_device in ("augmentation", "decoding"):
        settings = replace(made.SETTINGS, on_device=on_device, workers=1)
        source = folder_source(tree / "train", tree / "val", tmp_path / "run", settings)
        [(images, _)] = next(source.train.steps(12, 1, [0], 3, 0))
        batches.append(images.to(torch.device("cpu")))
    difference = (batches[0].int() - batches[1].int()).abs()
    decodes = "torchvision does not decode JPEG files on cpu" not in caplog.text
    assert difference.max() <= (20 if decodes else 0)
    assert difference.float().mean() < 2


def test_a_file_that_only_the_device_sees_to_be_damaged_ends_the_training_with_advice() -> None:
    with pytest.raises(LissnasError, match=r"set images\.files\.on_device to augmentation, which skips it"):
        device_decoding.decode_jpegs([torch.tensor([255, 216, 1, 255, 217], dtype=torch.uint8)], torch.device("cpu"))
