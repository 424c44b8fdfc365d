"""MeasuredSpeed: how fast this machine reads images and trains on them, and what limits it."""

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from lissnas.errors import LissnasError
from lissnas.supernet.images.decoding.device_augmentation import AugmentedOnDevice, pack
from lissnas.supernet.images.decoding.device_decoding import decode_jpegs
from lissnas.supernet.images.decoding.image_decoding import UnreadableImageError, decode_image
from lissnas.supernet.images.image_files import DeviceWork, ImageFileSettings
from lissnas.supernet.recipes.recipe_images import list_image_files
from lissnas.supernet.recipes.run_recipe import RunRecipe
from lissnas.supernet.stages.plan import measured_throughput

_IMAGES = 32
"""Number of images over which decoding and augmentation are measured."""

_GENERATED_SIZE = 500, 375
"""Width and height of the image that is measured if those of the recipe are not here: usual in ImageNet."""


_WORKERS_DO: dict[DeviceWork, tuple[str, ...]] = {
    "nothing": ("decode", "augment"),
    "augmentation": ("decode",),
    "decoding": (),
}
"""What workers do with a training image, by what the device does."""


@dataclass(frozen=True)
class MeasuredSpeed:
    """Seconds that an image takes in each part of a training, on one core or on the device.

    Attributes
    ----------
    decode, augment
        Reading and decoding a file; cropping, resizing and jittering it. 0 if images are in memory.
    copy
        Copying it to the device.
    train
        Forward and backward pass of one path.
    workers
        Number of processes that read images, at most one for each core; 0 if the process that trains reads them.
    on_device
        What the device does instead of the workers.
    generated
        Whether the recipe's images are not here, so that a generated one was decoded.
    """

    decode: float
    augment: float
    copy: float
    train: float
    workers: int
    on_device: DeviceWork
    generated: bool

    @property
    def _on_workers(self) -> dict[str, float]:
        parts = {"decode": self.decode, "augment": self.augment}
        return {name: parts[name] / max(self.workers, 1) for name in _WORKERS_DO[self.on_device]}

    @property
    def _on_device(self) -> dict[str, float]:
        parts = {"decode": self.decode, "augment": self.augment, "copy": self.copy, "train": self.train}
        return {name: seconds for name, seconds in parts.items() if name not in _WORKERS_DO[self.on_device]}

    @property
    def _slower(self) -> dict[str, float]:
        """The parts that are done one after the other, by whoever needs longer."""
        if not self.workers:
            return self._on_workers | self._on_device
        return max(self._on_workers, self._on_device, key=lambda parts: sum(parts.values()))

    @property
    def images_per_second(self) -> float:
        """Training throughput of one device with its workers."""
        return 1 / sum(self._slower.values())

    @property
    def bottleneck(self) -> str:
        """The part that limits the throughput: decode, augment, copy or train."""
        slower = self._slower
        return max(slower, key=lambda name: slower[name])


def measured_speed(recipe: RunRecipe, device: str) -> MeasuredSpeed:
    """Return the speed of each part of a training on this machine, without starting a run.

    If the images of the recipe are not here, a generated image of a usual size is decoded.
    """
    train = 1 / measured_throughput(recipe, device)
    files = recipe.images.files
    place = torch.device(device)
    if files is None:
        pixels = torch.zeros(recipe.training.micro_batch_size, recipe.images.channels, *[recipe.images.size] * 2)
        return MeasuredSpeed(0, 0, _seconds(lambda: pixels.to(place), place) / len(pixels), train, 0, "nothing", False)
    contents, generated = _contents(recipe)
    if files.on_device == "decoding":
        encoded = [torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in contents]
        decode = _seconds(partial(decode_jpegs, encoded, place), place) / len(contents)
    else:
        decode = sum(_seconds(partial(decode_image, content), place) for content in contents) / len(contents)
    augment, copy = _augment_and_copy(contents, files, place)
    workers = min(files.workers, os.cpu_count() or 1)
    return MeasuredSpeed(decode, augment, copy, train, workers, files.on_device, generated)


def _augment_and_copy(contents: list[bytes], files: ImageFileSettings, device: torch.device) -> tuple[float, float]:
    images = [decode_image(content) for content in contents]
    augmentation, transform = files.augmentation, files.augmentation.for_training()
    if files.on_device == "nothing":
        augment = sum(_seconds(partial(transform, image), device) for image in images) / len(images)
        batch = torch.zeros(len(images), 3, augmentation.size, augmentation.size, dtype=torch.uint8)
        return augment, _seconds(lambda: batch.to(device, copy=True), device) / len(images)
    drawn = [augmentation.draw(image.height, image.width) for image in images]
    boxes = [(draw.left, draw.top, draw.left + draw.width, draw.top + draw.height) for draw in drawn]
    crops = pack([np.asarray(image.crop(box)) for image, box in zip(images, boxes, strict=True)], drawn)
    copy = _seconds(lambda: crops.pixels.to(device, copy=True), device) / len(images)
    both = _seconds(lambda: AugmentedOnDevice(crops, augmentation).to(device), device) / len(images)
    return max(both - copy, 0.0), copy


def _contents(recipe: RunRecipe) -> tuple[list[bytes], bool]:
    """Return some readable files of a recipe's training images, or a generated one; and whether it is generated."""
    try:
        with TemporaryDirectory() as folder:
            images, _ = list_image_files(recipe, Path(folder))
        places = np.linspace(0, len(images.labels) - 1, min(_IMAGES, len(images.labels))).astype(int)
        contents = [content for place in places.tolist() if _is_readable(content := images.read(place))]
        if contents:
            return contents, False
    except (LissnasError, OSError):
        pass
    from PIL import Image

    buffer = io.BytesIO()
    coarse = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(_GENERATED_SIZE).save(buffer, "JPEG", quality=95)
    return [buffer.getvalue()] * _IMAGES, True


def _is_readable(content: bytes) -> bool:
    try:
        decode_image(content)
    except UnreadableImageError:
        return False
    return True


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call, the second one: the first one warms up."""
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - began
    return seconds
