"""The training images that are held out of training to choose by: as many of each class, drawn once, kept in a file."""

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
from lissnas.supernet.images.image_files import ImageFiles, fingerprint, shown

FORMAT = 2
"""The version of the file."""


def hold_out(path: Path, images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    """Return which training images are held out, shape (images,); the first time they are drawn, and the file written.

    The file is JSON: how the draw was made, a SHA-256 of the names and classes of all training images, the names of
    those held out, and a SHA-256 of all this. Later calls read it, and take nothing else. Several processes may call at
    once.

    Parameters
    ----------
    path
        Of the file.
    images
        All training images.
    per_class
        How many of each class are held out.
    seed
        Of the draw.

    Raises
    ------
    SettingError
        If a class has no image left to train on.
    LissnasError
        If the file is damaged, was made with other settings, or for other images than are there now.
    """
    with exclusive_access(path):
        if not path.exists():
            held = _drawn(images, per_class, seed)
            _write(path, images, held, per_class, seed)
        return _read(path, images, per_class, seed)


def _drawn(images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng([TrainingStream.HOLD_OUT_SET, seed])
    held = np.zeros(len(images.labels), dtype=np.bool_)
    for label in range(int(images.labels[-1]) + 1):
        begin, end = np.searchsorted(images.labels, [label, label + 1])
        if end - begin <= per_class:
            raise SettingError(
                f"{per_class} images of each class cannot be held out: there are {end - begin} of the class of "
                f"{images.where(int(begin))}, and one must be left to train on; lower "
                "images.files.held_out_per_class"
            )
        held[begin + rng.permutation(end - begin)[:per_class]] = True
    return held


def _write(path: Path, images: ImageFiles, held: NDArray[np.bool_], per_class: int, seed: int) -> None:
    content: dict[str, Any] = {
        "format": FORMAT,
        "seed": seed,
        "held_out_per_class": per_class,
        "training_images": len(held),
        "sha256_of_training_images": fingerprint(images),
        "held_out": [shown(name) for name in images.names[held].tolist()],
    }
    try:
        with atomic_write(path) as file:
            file.write(json.dumps({**content, "sha256": _checksum(content)}, indent=1).encode())
    except OSError as error:
        raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error


def _read(path: Path, images: ImageFiles, per_class: int, seed: int) -> NDArray[np.bool_]:
    other = "give the run that it was made for, or choose another folder to begin anew"
    try:
        content = json.loads(path.read_bytes())
        checksum = content.pop("sha256")
        whole = checksum == _checksum(content) and content["format"] == FORMAT
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LissnasError(f"{path}: damaged ({type(error).__name__}); {other}") from error
    except OSError as error:
        raise LissnasError(f"{path}: cannot be read ({error.strerror}); {other}") from error
    if not whole:
        raise LissnasError(f"{path}: damaged (another SHA-256 than it says); {other}")

    for name, ours in (("held_out_per_class", per_class), ("seed", seed)):
        if content[name] != ours:
            raise LissnasError(f"{path}: made with {name} = {content[name]}, not {ours}; {other}")
    names = np.array([os.fsencode(name) for name in content["held_out"]], dtype=np.bytes_)
    if content["sha256_of_training_images"] != fingerprint(images):
        missing = names[~np.isin(names, images.names)].tolist()
        of_those = f", and {len(missing)} that are held out are missing, {shown(missing[0])} first" if missing else ""
        raise LissnasError(
            f"{path}: the training images are not those that it was made for: there were {content['training_images']}, "
            f"there are {len(images.names)}{of_those}; restore them, or choose another folder to begin anew"
        )
    return np.isin(images.names, names)


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
