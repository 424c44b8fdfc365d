"""Resized copies: which pixels they change, and that they are complete whatever happens while they are written."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import image_tree as made
import numpy as np
import pytest
import torch
from lissnas.errors import LissnasError
from lissnas.supernet.images.image_folder import folder_source, list_folders
from lissnas.supernet.images.image_shards import shard_source
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.images.resized_shards import ResizedCopies, WrittenShards, write_resized_shards
from PIL import Image

COPIES = ResizedCopies(made.SETTINGS.augmentation.shorter_side, "ppm", per_shard=15)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.make_tree(tmp_path_factory.mktemp("tree"))


def _write(tree: Path, folder: Path, copies: ResizedCopies = COPIES, workers: int = 0) -> list[WrittenShards]:
    both = zip(("train", "validation"), list_folders(tree / "train", tree / "val"), strict=True)
    return [write_resized_shards(images, folder, part, copies, workers, 3) for part, images in both]


def _source(written: list[WrittenShards], run: Path) -> ImageSource:
    return shard_source(written[0].pattern, written[1].pattern, run, made.SETTINGS)


def _scored(source: ImageSource) -> list[torch.Tensor]:
    batches = [*source.held_out(7), *source.official_validation(7)]
    return [torch.cat(parts) for parts in zip(*batches, strict=True)]


def test_scored_pixels_are_those_of_the_originals_and_a_run_does_not_mix_the_two(tree: Path, tmp_path: Path) -> None:
    """Scoring resizes to the same shorter side, and uncompressed copies lose nothing."""
    originals = folder_source(tree / "train", tree / "val", tmp_path / "run", made.SETTINGS)
    copies = _source(_write(tree, tmp_path / "copies"), tmp_path / "other-run")
    for expected, found in zip(_scored(originals), _scored(copies), strict=True):
        assert torch.equal(found, expected)
    assert copies.train.description != originals.train.description
    with pytest.raises(LissnasError, match="the training images have changed"):
        _source(_write(tree, tmp_path / "copies"), tmp_path / "run")


def test_small_jpeg_files_are_copied_as_they_are_and_larger_ones_keep_their_shape() -> None:
    buffer = io.BytesIO()
    made.picture(0, np.random.default_rng(0)).resize((61, 40)).save(buffer, "JPEG")
    content = buffer.getvalue()
    assert ResizedCopies(40).copy(content) == content
    assert Image.open(io.BytesIO(ResizedCopies(20).copy(content))).size == (30, 20)
    assert ResizedCopies(99, "ppm").copy(content).startswith(b"P6\n61 40\n255\n")


def test_a_stopped_call_continues_and_a_damaged_shard_is_written_again(tree: Path, tmp_path: Path) -> None:
    images, _ = list_folders(tree / "train", tree / "val")
    complete = write_resized_shards(images, tmp_path / "complete", "train", COPIES, 0, 0)

    def stop(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_resized_shards(images, tmp_path / "stopped", "train", COPIES, 0, 0, stop)
    (tmp_path / "stopped/train-000000.tar").write_bytes(b"damaged")
    continued = write_resized_shards(images, tmp_path / "stopped", "train", COPIES, 2, 0)
    assert (complete.shards, complete.kept, continued.kept) == (6, 0, 1)
    for folder in ("complete", "stopped"):
        manifest = json.loads((tmp_path / folder / "train.json").read_text())["shards"]
        for path in sorted((tmp_path / folder).glob("*.tar")):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest[path.name]["sha256"]
            assert path.read_bytes() == (tmp_path / "complete" / path.name).read_bytes()


def test_other_copies_in_the_same_folder_are_refused_and_unreadable_images_counted(tmp_path: Path) -> None:
    tree = made.make_tree(tmp_path / "tree", training=8, validation=1)
    images, _ = list_folders(tree / "train", tree / "val")
    write_resized_shards(images, tmp_path / "copies", "train", COPIES, 0, 0)
    with pytest.raises(
        LissnasError, match=r"settings\.shorter_side is 36; in this run it is 20; choose another folder"
    ):
        write_resized_shards(images, tmp_path / "copies", "train", replace(COPIES, shorter_side=20), 0, 0)
    damaged = tree / "train" / images.names[3].decode()
    damaged.write_bytes(b"")
    for _ in range(2):
        assert write_resized_shards(images, tmp_path / "again", "train", COPIES, 0, 1).unreadable == 1
    with pytest.raises(LissnasError, match=r"1 images cannot be read, and at most 0 may be skipped.*empty"):
        write_resized_shards(images, tmp_path / "again", "train", COPIES, 0, 0)
