"""The images that score every path are decoded once: by the first process, for all later ones."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import image_tree as made
import pytest
import torch
from lissnas.errors import LissnasError
from lissnas.supernet.images import decoded_image_cache
from lissnas.supernet.images.decoding import image_loading
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_source import ImageSource


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return made.make_tree(tmp_path / "tree")


def _source(tree: Path, workers: int = 0) -> ImageSource:
    return folder_source(tree / "train", tree / "val", tree.parent / "run", replace(made.SETTINGS, workers=workers))


def _whole(pieces: Iterable[LabeledBatch]) -> LabeledBatch:
    images, labels = zip(*pieces, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_nothing_is_decoded_twice(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _source(tree)
    images, labels = _whole(source.held_out(7))
    recalibration = torch.cat(list(source.recalibration(2, 30)))
    monkeypatch.setattr(image_loading, "decode_image", None)
    for again in (source, _source(tree)):
        others, their_labels = _whole(again.held_out(3))
        assert torch.equal(images, others)
        assert torch.equal(labels, their_labels)
        assert torch.equal(torch.cat(list(again.recalibration(3, 20))), recalibration)


def test_other_sizes_have_other_files(tree: Path) -> None:
    sizes = []
    for size in (32, 16):
        settings = replace(made.SETTINGS, augmentation=replace(made.SETTINGS.augmentation, size=size))
        source = folder_source(tree / "train", tree / "val", tree.parent / "run", settings)
        sizes.append(_whole(source.held_out(20))[0].shape[-1])
    assert sizes == [32, 16]


def test_an_unreadable_image_is_missing_and_logged_each_time(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, labels = _whole(_source(tree).held_out(20))
    for left in (tree.parent / "run").glob("*.pixels"):
        left.unlink()
    source = _source(tree)
    damaged = tree / "train" / source._held_out.names[4].decode()
    damaged.write_bytes(damaged.read_bytes()[:300])
    kept = [number for number in range(20) if number != 4]
    for _ in range(2):
        caplog.clear()
        images, its_labels = _whole(source.held_out(6))
        assert torch.equal(images, whole[kept])
        assert torch.equal(its_labels, labels[kept])
        assert "1 of 20 images could not be read" in caplog.text


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tree: Path) -> None:
    import resource

    source = _source(tree)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(LissnasError, match=r"File too large.*it takes 61,440 bytes: free"):
            list(source.held_out(5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tree.parent / "run").glob("*scored-*.p*"))
    assert len(_whole(source.held_out(5))[1]) == 20


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def _fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [_cut, _flip_a_bit, _fill_with_zeros, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_is_reported_and_written_again(
    tree: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    images, labels = _whole(_source(tree).held_out(9))
    [path] = (tree.parent / "run").glob("scored-*.pixels")
    damage(path)
    for told in (True, False):
        caplog.clear()
        others, their_labels = _whole(_source(tree).held_out(9))
        assert torch.equal(images, others)
        assert torch.equal(labels, their_labels)
        assert (f"{path}: damaged (its SHA-256 is wrong); the images are decoded again" in caplog.text) == told


def test_a_file_is_verified_once_and_not_in_each_pass(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = _source(tree).held_out(9)
    images, _ = _whole(held_out)
    monkeypatch.setattr(decoded_image_cache, "_is_intact", None)
    monkeypatch.setattr(decoded_image_cache, "image_list_digest", None)
    assert torch.equal(_whole(held_out)[0], images)


def test_a_verified_file_is_hashed_again_only_if_its_size_or_its_time_changes(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With eight processes on a node, eleven gigabytes are read once and not eight times."""
    list(_source(tree).held_out(9))
    [path] = (tree.parent / "run").glob("scored-*.pixels")
    long_ago = path.stat().st_mtime_ns - 10**10
    os.utime(path, ns=(long_ago, long_ago))
    hashed = []
    monkeypatch.setattr(decoded_image_cache, "_is_intact", lambda path: hashed.append(path) or True)
    for _ in range(3):
        list(_source(tree).held_out(9))
    assert hashed == [path]
    os.utime(path, ns=(long_ago, long_ago + 1))
    list(_source(tree).held_out(9))
    assert hashed == [path, path]


def test_incomplete_files_of_a_killed_process_are_removed(tree: Path) -> None:
    run = tree.parent / "run"
    list(_source(tree).held_out(9))
    [path] = run.glob("scored-*.pixels")
    path.unlink()
    (run / f".{path.name}.0123456789abcdef.part").write_bytes(b"half")
    list(_source(tree).held_out(9))
    assert [left.name for left in run.glob("*scored-*.p*")] == [path.name]


def test_processes_that_start_together_share_a_file(tree: Path) -> None:
    """Threads here: the lock works between threads as between processes."""
    sources = [_source(tree) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda source: _whole(source.held_out(9)), sources))
    assert all(torch.equal(images, found[0][0]) for images, _ in found)
    assert len(list((tree.parent / "run").glob("scored-*.pixels"))) == 1


def test_workers_decode_the_same_pixels(tree: Path) -> None:
    images, labels = _whole(_source(tree).held_out(9))
    for left in (tree.parent / "run").glob("*.pixels"):
        left.unlink()
    others, their_labels = _whole(_source(tree, workers=2).held_out(9))
    assert torch.equal(images, others)
    assert torch.equal(labels, their_labels)
