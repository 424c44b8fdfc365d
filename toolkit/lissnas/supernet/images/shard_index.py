"""Where in WebDataset shards each image begins, found once and kept in a file."""

import logging
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write, exclusive_access
from lissnas.supernet.images.image_decoding import EXTENSIONS

_CLASS = "cls"
"""The ending of the file that holds the number of a sample's class."""

_LONGEST_CLASS = 20
"""Bytes that such a file may have."""

_END = 2 * tarfile.BLOCKSIZE
"""Bytes of zeros that end a tar file."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShardIndex:
    """All images of some shards, sorted by class and name; every array is of shape (images,).

    Attributes
    ----------
    names, labels
        The samples' names and classes.
    shards
        Which shard each is in, from 0.
    begins, sizes
        Where in it, in bytes.
    """

    names: NDArray[np.bytes_]
    labels: NDArray[np.int64]
    shards: NDArray[np.int64]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def take(self, places: NDArray[np.int64]) -> "ShardIndex":
        """Return some of them, in the order asked for."""
        return ShardIndex(*(getattr(self, field.name)[places] for field in fields(self)))


def shard_index(shards: tuple[str, ...], path: Path) -> ShardIndex:
    """Return where the images are: from a file if it was made for shards of these paths, sizes and times.

    Otherwise the shards are gone through, and the file is written. Several processes may call at once.

    Raises
    ------
    LissnasError
        If a shard cannot be read, is no tar file, is compressed or cut short; if a sample has no image, more than one,
        or no class; if there are no samples, or two of the same name; if there are gaps in the classes.
    """
    try:
        states = np.array([(status.st_size, status.st_mtime_ns) for status in map(os.stat, shards)])
    except OSError as error:
        raise LissnasError(f"{error.filename}: {error.strerror}; give the paths of the shards") from error
    for shard in filter(os.path.isdir, shards):
        raise LissnasError(f"{shard}: a folder, no shard; give the paths of tar files, or images of the kind 'folder'")
    with exclusive_access(path):
        index = _read(path, shards, states)
        if index is None:
            index = _made(shards)
            try:
                with atomic_write(path) as file:
                    arrays = {field.name: getattr(index, field.name) for field in fields(index)}
                    np.savez(file, paths=np.array(shards), states=states, **arrays)
            except OSError as error:
                raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    return index


def _read(path: Path, shards: tuple[str, ...], states: NDArray[np.int64]) -> ShardIndex | None:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            if kept["paths"].tolist() == list(shards) and np.array_equal(kept["states"], states):
                return ShardIndex(*(kept[field.name] for field in fields(ShardIndex)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _LOG.warning("%s: damaged (%s); the shards are gone through again", path, error)
        return None
    _LOG.warning("%s: made for other shards than there are now; they are gone through again", path)
    return None


def _made(shards: tuple[str, ...]) -> ShardIndex:
    found = sorted(
        (label, name, number, *place) for number, shard in enumerate(shards) for label, name, place in _images(shard)
    )
    if not found:
        raise LissnasError(f"{shards[0]}: no sample in {len(shards)} shards; give those that hold the images")
    labels, names, *places = zip(*found, strict=True)
    index = ShardIndex(np.array(names), *(np.array(values) for values in (labels, *places)))

    distinct, counts = np.unique(index.names, return_counts=True)
    if (counts > 1).any():
        twice = os.fsdecode(distinct[counts > 1][0])
        raise LissnasError(f"{shards[0]}: {twice} is the name of {counts.max()} samples; remove all but one")
    gaps = np.setdiff1d(np.arange(index.labels[-1]), index.labels)
    if len(gaps):
        raise LissnasError(
            f"{shards[0]}: no image of {len(gaps)} of {index.labels[-1] + 1} classes, {gaps[0]} first; complete the "
            "shards"
        )
    return index


def _images(shard: str) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
    """Yield class, name, and begin and size in bytes of each image in a shard."""
    from webdataset.tariterators import group_by_keys

    try:
        with open(shard, "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for sample in group_by_keys(_members(shard, archive)):
                yield _image(shard, file.fileno(), sample)
    except OSError as error:
        raise LissnasError(f"{shard}: {error.strerror}; make it readable") from error
    except tarfile.TarError as error:
        raise LissnasError(f"{shard}: no tar file, compressed, or cut short ({error}); make it again") from error
    except ValueError as error:
        raise LissnasError(f"{shard}: {error.args[0]}; make it again") from error


def _members(shard: str, archive: tarfile.TarFile) -> Iterator[dict[str, Any]]:
    """Yield the files in a shard as webdataset does, with begin and size in place of the content."""
    end = 0
    for member in archive:
        end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if member.isreg():
            yield {"fname": member.name, "data": (member.offset_data, member.size), "__url__": shard}
        archive.members = []  # type: ignore[attr-defined]  # else they pile up
    assert archive.fileobj is not None
    archive.fileobj.seek(end)
    if archive.fileobj.read(_END) != bytes(_END):
        raise tarfile.ReadError("the end is missing")


def _image(shard: str, file: int, sample: dict[str, Any]) -> tuple[int, bytes, tuple[int, int]]:
    name = sample["__key__"]
    pictures = [place for ending, place in sample.items() if f".{ending}" in EXTENSIONS]
    if len(pictures) != 1 or _CLASS not in sample:
        endings = ", ".join(ending for ending in sample if not ending.startswith("_"))
        raise LissnasError(
            f"{shard}: the sample {name} has the files {endings}; it must have one image, and a .{_CLASS} file with "
            "the number of its class: make the shard again"
        )
    begin, size = sample[_CLASS]
    text = os.pread(file, min(size, _LONGEST_CLASS), begin)
    if not text.strip().isdigit():
        raise LissnasError(f"{shard}: the class of {name} is {text!r}, not a number; make the shard again")
    return int(text), os.fsencode(name), pictures[0]
