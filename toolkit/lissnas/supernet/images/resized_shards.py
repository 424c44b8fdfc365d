"""Resized copies of image files in WebDataset shards, which are decoded in a fraction of the time.

Shards are read as `image_shards.py` reads any: at the offset of an image. Images keep their order, so that the same
ones are held out, and get new names, so that a run with the original images is never continued with their copies.
"""

import hashlib
import io
import json
import signal
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from lissnas.errors import LissnasError
from lissnas.setting_checks import check_at_least_one, check_between
from lissnas.stop_signals import STOP_SIGNALS
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity
from lissnas.supernet.images.decoding.augmentations import transforms
from lissnas.supernet.images.decoding.image_decoding import UnreadableImageError, decode_image
from lissnas.supernet.images.decoding.image_loading import UnreadableImages
from lissnas.supernet.images.image_files import ImageFiles, image_list_digest

_SUFFIXES = {"jpeg": "jpg", "ppm": "ppm"}
"""Extension of the files of each format."""


@dataclass(frozen=True)
class ResizedCopies:
    """How the copies of images are made.

    Attributes
    ----------
    shorter_side
        Length of the shorter side in pixels; smaller images keep their size.
    format
        "jpeg", or "ppm": uncompressed pixels, which take ten times the disk space and no decoding.
    quality
        Quality of JPEG files.
    per_shard
        Number of images in a shard.
    """

    shorter_side: int = 256
    format: Literal["jpeg", "ppm"] = "jpeg"
    quality: int = 95
    per_shard: int = 1000

    def __post_init__(self) -> None:
        check_at_least_one(self, "shorter_side", "per_shard")
        check_between(self, 1, 100, "quality")

    def copy(self, content: bytes) -> bytes:
        """Return the file of a copy; raises UnreadableImageError as `decode_image` does."""
        image = decode_image(content)
        if min(image.size) > self.shorter_side:
            image = transforms().functional.resize(image, [self.shorter_side], antialias=True)
        elif self.format == "jpeg" and content.startswith(b"\xff\xd8"):
            return content
        buffer = io.BytesIO()
        image.save(buffer, self.format.upper(), **({"quality": self.quality} if self.format == "jpeg" else {}))
        return buffer.getvalue()


@dataclass(frozen=True)
class WrittenShards:
    """The shards of one set of images.

    Attributes
    ----------
    pattern
        Their paths, with `*` for numbers.
    images, shards
        Number of images and of shards.
    kept
        Number of shards that an earlier call wrote.
    size
        Size in bytes.
    unreadable
        Number of images that could not be read, and have no copy.
    """

    pattern: str
    images: int
    shards: int
    kept: int
    size: int
    unreadable: int


def write_resized_shards(
    images: ImageFiles,
    folder: Path,
    name: str,
    copies: ResizedCopies,
    workers: int,
    max_unreadable: int,
    report: Callable[[float], None] = lambda share: None,
) -> WrittenShards:
    """Write resized copies of images into shards; a later call writes those that are missing or damaged.

    Beside the shards is `NAME.json`: what they were made from, and the SHA-256 of each. Every call verifies it.

    Parameters
    ----------
    images
        The images.
    folder
        Folder of the shards.
    name
        What the names of the files begin with.
    copies
        How the copies are made.
    workers
        Number of processes, each of which writes a shard at a time; with 0 or 1 this process writes them.
    max_unreadable
        Maximum number of images without a copy.
    report
        Called with the share of the shards that are done.

    Raises
    ------
    LissnasError
        If the folder has other copies, or cannot be written; or if more images than allowed cannot be read.
    """
    manifest = _Manifest(folder / f"{name}.json", images, copies)
    unreadable = UnreadableImages(max_unreadable)
    places = np.split(np.arange(len(images.labels)), range(copies.per_shard, len(images.labels), copies.per_shard))
    paths = [folder / f"{name}-{number:06}.tar" for number in range(len(places))]
    known = [manifest.sha256(path) for path in paths]
    parts = (images.take(part) for part in places)
    kept = 0
    with ExitStack() as stack:
        run: Callable[..., Iterator[_Shard]] = map
        if workers > 1:
            pool = ProcessPoolExecutor(workers, get_context("fork"), initializer=_ignore_stop_signals)
            stack.callback(pool.shutdown, cancel_futures=True)
            run = pool.map
        try:
            for number, shard in enumerate(run(_intact_or_written, parts, paths, known, repeat(copies))):
                if shard.was_intact:
                    kept += 1
                    unreadable.add(manifest.unreadable(paths[number]))
                else:
                    unreadable.add(shard.unreadable)
                    manifest.add(paths[number], shard)
                report((number + 1) / len(paths))
        except OSError as error:
            raise LissnasError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    count = len(unreadable.reasons)
    size = sum(path.stat().st_size for path in paths)
    return WrittenShards(str(folder / f"{name}-*.tar"), len(images.labels) - count, len(paths), kept, size, count)


class _Shard(NamedTuple):
    """A shard: whether it was there, its SHA-256, and the images that cannot be read, each with the reason."""

    was_intact: bool
    sha256: str
    unreadable: dict[str, str]


class _Manifest:
    """The file that says what shards were made from, and their checksums; one process writes it."""

    def __init__(self, path: Path, images: ImageFiles, copies: ResizedCopies) -> None:
        identity = RunIdentity(
            method="resized copies", settings=asdict(copies), data={"images": image_list_digest(images)}
        )
        self._path = path
        self._content: dict[str, Any] = {"identity": identity.to_json(), "shards": {}}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            saved = json.loads(path.read_bytes())
            identity.check(path, saved["identity"], remedy="choose another folder for these copies")
            self._content["shards"] = dict(saved["shards"])
        except FileNotFoundError:
            pass
        except OSError as error:
            raise LissnasError(f"{path}: {error.strerror}; choose another folder") from error
        except (ValueError, KeyError, TypeError) as error:
            raise LissnasError(f"{path}: damaged; remove it, and all shards are written again") from error

    def sha256(self, path: Path) -> str | None:
        """Return the SHA-256 of a shard, or None if it was not written yet."""
        shard = self._content["shards"].get(path.name, {})
        found: str | None = shard.get("sha256")
        return found

    def unreadable(self, path: Path) -> dict[str, str]:
        """Return the images that were not copied into a shard, each with the reason."""
        found: dict[str, str] = self._content["shards"][path.name]["unreadable"]
        return found

    def add(self, path: Path, shard: _Shard) -> None:
        """Save that a shard was written."""
        self._content["shards"][path.name] = {"sha256": shard.sha256, "unreadable": shard.unreadable}
        with atomic_write(self._path) as file:
            file.write(json.dumps(self._content, indent=1).encode())


def _ignore_stop_signals() -> None:
    """Leave signals to the process that waits for the shards."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _intact_or_written(images: ImageFiles, path: Path, known: str | None, copies: ResizedCopies) -> _Shard:
    """Write a shard, unless its SHA-256 is the known one."""
    if known is not None and path.exists() and _sha256(path) == known:
        return _Shard(True, known, {})
    unreadable = _write_shard(images, path, copies)
    return _Shard(False, _sha256(path), unreadable)


def _write_shard(images: ImageFiles, path: Path, copies: ResizedCopies) -> dict[str, str]:
    """Write one shard; return the images that cannot be read, each with the reason."""
    unreadable: dict[str, str] = {}
    prefix = f"shorter-side-{copies.shorter_side}-{copies.format}/".encode()
    with atomic_write(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
        for place in range(len(images.labels)):
            try:
                content = copies.copy(images.read(place))
            except (UnreadableImageError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                unreadable[images.where(place)] = reason or type(error).__name__
                continue
            # A sample ends at the first dot of its name.
            name = prefix + bytes(images.names[place]).replace(b"%", b"%25").replace(b".", b"%2E")
            for suffix, part in ((_SUFFIXES[copies.format], content), ("cls", str(images.labels[place]).encode())):
                member = tarfile.TarInfo(f"{name.decode(errors='surrogateescape')}.{suffix}")
                member.size = len(part)
                archive.addfile(member, io.BytesIO(part))
    return unreadable


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
