"""The hold-out set: as many training images of each class, drawn once, and listed in a file."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError, SettingError
from lissnas.storage.atomic_write import atomic_write, exclusive_access
from lissnas.storage.random_streams import TrainingStream
from lissnas.supernet.images.image_files import ImageFiles, image_list_digest, name_as_text

FORMAT = 2
"""Version of the file format."""


def hold_out(path: Path, images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    """Return which training images are held out, shape (images,).

    The first call draws them and writes the file; later calls read it. Several processes may call at the same time.
    The file is JSON: the settings of the draw, a SHA-256 of the names and classes of all training images, the names of
    the held-out images, and a SHA-256 of the rest.

    Parameters
    ----------
    path
        Path of the file.
    images
        All training images.
    per_class
        Number of held-out images of each class.
    seed
        Seed of the draw.

    Raises
    ------
    SettingError
        If no image of a class would remain for training.
    LissnasError
        If the file is damaged, has another format, or was made with other settings or for other images.
    """
    with exclusive_access(path):
        if not path.exists():
            held_out = _draw(images, per_class, seed)
            _write(path, images, held_out, per_class, seed)
        return _read(path, images, per_class, seed)


def _draw(images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng([TrainingStream.HOLD_OUT_SET, seed])
    held_out = np.zeros(len(images.labels), dtype=np.bool_)
    for label in range(int(images.labels[-1]) + 1):
        begin, end = np.searchsorted(images.labels, [label, label + 1])
        if end - begin <= per_class:
            raise SettingError(
                f"{per_class} images of each class cannot be held out: there are {end - begin} of the class of "
                f"{images.where(int(begin))}, and at least one must remain for training; lower "
                "images.files.held_out_per_class"
            )
        held_out[begin + rng.permutation(end - begin)[:per_class]] = True
    return held_out


def _write(path: Path, images: ImageFiles, held_out: NDArray[np.bool_], per_class: int, seed: int) -> None:
    content: dict[str, Any] = {
        "format": FORMAT,
        "seed": seed,
        "held_out_per_class": per_class,
        "training_images": len(held_out),
        "sha256_of_training_images": image_list_digest(images),
        "held_out": [name_as_text(name) for name in images.names[held_out].tolist()],
    }
    try:
        with atomic_write(path) as file:
            file.write(json.dumps({**content, "sha256": _checksum(content)}, indent=1).encode())
    except OSError as error:
        raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error


def _read(path: Path, images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    advice = "continue the run that it was made for, or choose another folder to start a new one"
    try:
        content = json.loads(path.read_bytes())
        checksum = content.pop("sha256")
        intact, version = checksum == _checksum(content), content["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LissnasError(f"{path}: damaged ({type(error).__name__}); {advice}") from error
    except OSError as error:
        raise LissnasError(f"{path}: cannot be read ({error.strerror}); {advice}") from error
    if not intact:
        raise LissnasError(f"{path}: damaged (its SHA-256 is wrong); {advice}")
    if version != FORMAT:
        raise LissnasError(f"{path}: has format {version}, not {FORMAT}; choose another folder to start a new run")

    for name, ours in (("held_out_per_class", per_class), ("seed", seed)):
        if content[name] != ours:
            raise LissnasError(f"{path}: made with {name} = {content[name]}, not {ours}; {advice}")
    names = np.array([os.fsencode(name) for name in content["held_out"]], dtype=np.bytes_)
    if content["sha256_of_training_images"] != image_list_digest(images):
        missing = names[~np.isin(names, images.names)].tolist()
        also = f"; held-out images missing: {len(missing)} (first: {name_as_text(missing[0])})" if missing else ""
        raise LissnasError(
            f"{path}: the training images have changed: there were {content['training_images']}, there are "
            f"{len(images.names)}{also}; restore them, or choose another folder to start a new run"
        )
    return np.isin(images.names, names)


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
