"""Images that are easy to classify, in files laid out like ImageNet: a tree of folders, or shards."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import webdataset
from lissnas.supernet.images.decoding.augmentations import Augmentation
from lissnas.supernet.images.image_files import ImageFileSettings
from PIL import Image

CLASSES = ("n01440764", "n01443537", "n01484850", "n02085620")
COLORS = ((200, 60, 60), (60, 200, 60), (60, 60, 200), (180, 180, 60))
"""Red, green and blue of each class."""

SETTINGS = ImageFileSettings(Augmentation(size=32, shorter_side=36), held_out_per_class=5, workers=0, max_unreadable=3)


def picture(label: int, rng: np.random.Generator) -> Image.Image:
    """Return noise in the color of a class; the size is odd."""
    height, width = rng.integers(30, 70, 2)
    pixels = rng.normal(COLORS[label], 50, (height, width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make_tree(folder: Path, training: int = 20, validation: int = 6) -> Path:
    """Write JPEG files of each class; return the folder of the two trees, `train` and `val`."""
    rng = np.random.default_rng(0)
    for part, images in (("train", training), ("val", validation)):
        for label, name in enumerate(CLASSES):
            (folder / part / name).mkdir(parents=True)
            for number in range(images):
                picture(label, rng).save(folder / part / name / f"{name}_{number}.JPEG", quality=90)
    return folder


def make_shards(tree: Path, folder: Path, size: int = 15) -> tuple[str, str]:
    """Write the files of a tree, shuffled, as shards; return the patterns of their names."""
    patterns = []
    for part in ("train", "val"):
        pattern = str(folder / f"imagenet-{part}-%06d.tar")
        with webdataset.ShardWriter(pattern, maxcount=size, verbose=0) as writer:
            for sample in samples(tree / part):
                writer.write(sample)
        patterns.append(pattern.replace("%06d", "*"))
    return patterns[0], patterns[1]


def samples(part: Path) -> Iterator[dict[str, object]]:
    files = sorted(part.glob("*/*"))
    for place in np.random.default_rng(1).permutation(len(files)):
        file = files[place]
        name = str(file.relative_to(part).with_suffix(""))
        yield {"__key__": name, "jpeg": file.read_bytes(), "cls": str(CLASSES.index(file.parent.name)).encode()}


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def own_recipe(kind: str, train: str, validation: str, steps: int = 1, workers: int = 0) -> str:
    """Return a recipe for a tree or shards, on the space of NAS-Bench-Macro."""
    return f"""\
[network]
space = "macro"
classes = 4
image_size = 32

[images]
kind = "{kind}"
train = "{train}"
validation = "{validation}"

[images.files]
classes = 4
held_out_per_class = 5
workers = {workers}

[images.files.augmentation]
size = 32
shorter_side = 36

[training]
steps = {steps}
batch_size = 8
micro_batch_size = 8
learning_rate = 0.1

[loop]
steps_per_round = 1

[scoring]
recalibration_batches = 1
recalibration_batch_size = 8

[retraining]
steps = 1
batch_size = 8
micro_batch_size = 8
learning_rate = 0.1
"""
