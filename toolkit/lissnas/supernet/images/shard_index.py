"""The index of WebDataset shards: where each image starts, found once and kept in a file."""

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
from lissnas.supernet.images.decoding.image_decoding import EXTENSIONS

_CLASS = "cls"
"""Extension of the file with the class number of a sample."""

_MAX_CLASS_BYTES = 20
"""Maximum length of that file."""

_END_BYTES = 2 * tarfile.BLOCKSIZE
"""Number of zero bytes that end a tar file."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShardIndex:
    """All images of some shards, sorted by class and name; every array has shape (images,).

    Attributes
    ----------
    names, labels
        Names and classes of the samples.
    shards
        Number of the shard of each image, from 0.
    begins, sizes
        Offset in the shard, and length, in bytes.
    """

    names: NDArray[np.bytes_]
    labels: NDArray[np.int64]
    shards: NDArray[np.int64]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def take(self, places: NDArray[np.int64]) -> "ShardIndex":
        """Return the images at some places, in the order of the places."""
        return ShardIndex(*(getattr(self, field.name)[places] for field in fields(self)))


def shard_index(shards: tuple[str, ...], path: Path) -> ShardIndex:
    """Return the index of some shards, from a file if it was made for shards of the same paths, sizes and times.

    Otherwise the shards are read, and the file is written. Several processes may call at the same time.

    Raises
    ------
    LissnasError
        If a shard cannot be read, or is not an intact, uncompressed tar file; if a sample has no class, or not exactly
        one image; if there are no samples, or two with the same name; if class numbers are missing.
    """
    try:
        states = np.array([(status.st_size, status.st_mtime_ns) for status in map(os.stat, shards)])
    except OSError as error:
        raise LissnasError(f"{error.filename}: {error.strerror}; give the paths of the shards") from error
    for shard in filter(os.path.isdir, shards):
        raise LissnasError(
            f"{shard}: a folder, not a shard; give the paths of tar files, or use images of the kind 'folder'"
        )
    with exclusive_access(path):
        index = _read(path, shards, states)
        if index is None:
            index = _index(shards)
            try:
                with atomic_write(path) as file:
                    arrays = {field.name: getattr(index, field.name) for field in fields(index)}
                    np.savez(file, paths=np.array(shards), states=states, **arrays)
            except OSError as error:
                raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    return index


def _read(path: Path, shards: tuple[str, ...], states: NDArray[np.int64]) -> ShardIndex | None:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            if saved["paths"].tolist() == list(shards) and np.array_equal(saved["states"], states):
                return ShardIndex(*(saved[field.name] for field in fields(ShardIndex)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _LOG.warning("%s: damaged (%s); the shards are read again", path, error)
        return None
    _LOG.warning("%s: made for other shards; they are read again", path)
    return None


def _index(shards: tuple[str, ...]) -> ShardIndex:
    samples = sorted(
        (label, name, number, *place) for number, shard in enumerate(shards) for label, name, place in _images(shard)
    )
    if not samples:
        raise LissnasError(f"{shards[0]}: no sample in {len(shards)} shards; give the shards that contain the images")
    labels, names, *places = zip(*samples, strict=True)
    index = ShardIndex(np.array(names), *(np.array(values) for values in (labels, *places)))

    distinct, counts = np.unique(index.names, return_counts=True)
    if (counts > 1).any():
        duplicate = os.fsdecode(distinct[counts > 1][0])
        raise LissnasError(f"{shards[0]}: {duplicate} is the name of {counts.max()} samples; remove all but one")
    gaps = np.setdiff1d(np.arange(index.labels[-1]), index.labels)
    if len(gaps):
        raise LissnasError(
            f"{shards[0]}: {len(gaps)} of {index.labels[-1] + 1} classes have no image (first: {gaps[0]}); add the "
            "missing shards"
        )
    return index


def _images(shard: str) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
    """Yield class, name, and offset and length in bytes of each image in a shard."""
    from webdataset.tariterators import group_by_keys

    try:
        with open(shard, "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for sample in group_by_keys(_members(shard, archive)):
                yield _image(shard, file.fileno(), sample)
    except OSError as error:
        raise LissnasError(f"{shard}: {error.strerror}; make it readable") from error
    except (tarfile.TarError, MemoryError, OverflowError) as error:  # a damaged header can name a size of 2^60
        raise LissnasError(f"{shard}: not a tar file, compressed, or truncated ({error}); create it again") from error
    except ValueError as error:
        raise LissnasError(f"{shard}: {error.args[0]}; create it again") from error


def _members(shard: str, archive: tarfile.TarFile) -> Iterator[dict[str, Any]]:
    """Yield the files in a shard as webdataset does, with offset and length in place of the content."""
    end = 0
    for member in archive:
        end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if member.isreg():
            yield {"fname": member.name, "data": (member.offset_data, member.size), "__url__": shard}
        archive.members = []  # type: ignore[attr-defined]  # otherwise they accumulate
    assert archive.fileobj is not None
    archive.fileobj.seek(end)
    if archive.fileobj.read(_END_BYTES) != bytes(_END_BYTES):
        raise tarfile.ReadError("the end is missing")


def _image(shard: str, file: int, sample: dict[str, Any]) -> tuple[int, bytes, tuple[int, int]]:
    name = sample["__key__"]
    pictures = [place for ending, place in sample.items() if f".{ending}" in EXTENSIONS]
    if len(pictures) != 1 or _CLASS not in sample:
        endings = ", ".join(ending for ending in sample if not ending.startswith("_"))
        raise LissnasError(
            f"{shard}: the sample {name} has the files {endings}; it must have one image, and a .{_CLASS} file with "
            "its class number: create the shard again"
        )
    begin, size = sample[_CLASS]
    text = os.pread(file, min(size, _MAX_CLASS_BYTES), begin)
    if not text.strip().isdigit():
        raise LissnasError(f"{shard}: the class of {name} is {text!r}, not a number; create the shard again")
    return int(text), os.fsencode(name), pictures[0]
