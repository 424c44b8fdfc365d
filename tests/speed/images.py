"""What reading a training image takes on one core, and what copies of images cost and change.

.venv/bin/python tests/speed/images.py

Scikit-learn's two photographs, scaled to 500 x 333 pixels, a usual size in ImageNet, as JPEG of quality 95. Prints for
the originals, for JPEG copies and for uncompressed copies whose shorter side is 256 pixels

1. the milliseconds of decoding, of the augmentation of SPOS in a worker, and of the crop that is left to a worker if
   the device augments;
2. the size of a file;
3. the mean difference, in levels of 255, of scored pixels from those of the original, and that of random training crops
   of the same part of the photograph.

Then the milliseconds of an image in `AugmentedOnDevice` on this machine's processor, and on its GPU if there is one.
"""

import io
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
import torch
from lissnas.supernet.images.decoding.augmentations import SPOS_AUGMENTATION
from lissnas.supernet.images.decoding.device_augmentation import AugmentedOnDevice, pack
from lissnas.supernet.images.decoding.image_decoding import decode_image
from lissnas.supernet.images.resized_shards import ResizedCopies
from PIL import Image
from sklearn.datasets import load_sample_images

SIZE = 500, 333
REPETITIONS = 60
BATCH = 64
CROPS = 40


def milliseconds(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        call()
        seconds.append(time.process_time() - began)
    return 1000 * median(seconds)


def input_of(image: Image.Image, box: tuple[float, ...]) -> np.ndarray:
    """Return a part of an image, given in shares of its sides, as the input of a network."""
    edges = [round(share * side) for share, side in zip(box, 2 * image.size, strict=True)]
    return np.asarray(image.crop(edges).resize((224, 224), Image.Resampling.BILINEAR)).astype(int)


def crop(image: Image.Image) -> np.ndarray:
    top, left, height, width = SPOS_AUGMENTATION.draw(image.height, image.width)[:4]
    return np.asarray(image.crop((left, top, left + width, top + height)))


def files() -> list[bytes]:
    written = []
    for pixels in load_sample_images().images:
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize(SIZE).save(buffer, "JPEG", quality=95)
        written.append(buffer.getvalue())
    return written


torch.set_num_threads(1)
originals = files()
train, score = SPOS_AUGMENTATION.for_training(), SPOS_AUGMENTATION.for_scoring()
print("| | decode | augment | crop alone | bytes | scored pixels | training pixels |")
print("|---|---|---|---|---|---|---|")
copies = {"original": None, "256, JPEG": ResizedCopies(), "256, PPM": ResizedCopies(format="ppm")}
for name, kind in copies.items():
    times, sizes, scored, trained = [], [], [], []
    for original in originals:
        content = original if kind is None else kind.copy(original)
        first, image = decode_image(original), decode_image(content)
        times.append(
            [milliseconds(partial(*each)) for each in ((decode_image, content), (train, image), (crop, image))]
        )
        sizes.append(len(content))
        scored.append((score(first).int() - score(image).int()).abs().double().mean().item())
        for seed in range(CROPS):
            torch.manual_seed(seed)
            top, left, height, width = SPOS_AUGMENTATION.draw(first.height, first.width)[:4]
            edges = (left, top, left + width, top + height)
            box = tuple(edge / side for edge, side in zip(edges, 2 * first.size, strict=True))
            trained.append(np.abs(input_of(first, box) - input_of(image, box)).mean())
    decode, augment, only_crop = np.mean(times, axis=0)
    print(
        f"| {name} | {decode:.2f} ms | {augment:.2f} ms | {only_crop:.2f} ms | {np.mean(sizes):,.0f} | "
        f"{np.mean(scored):.2f} | {np.mean(trained):.2f} |"
    )

image = decode_image(originals[0])
drawn = [SPOS_AUGMENTATION.draw(image.height, image.width) for _ in range(BATCH)]
parts = [np.asarray(image.crop((d.left, d.top, d.left + d.width, d.top + d.height))) for d in drawn]
batch = AugmentedOnDevice(pack(parts, drawn), SPOS_AUGMENTATION)
for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        batch.to(torch.device(device)).cpu()
        took.append(time.perf_counter() - began)
    print(f"augmentation on the device {device}: {1000 * median(took) / BATCH:.2f} ms an image, in batches of {BATCH}")
