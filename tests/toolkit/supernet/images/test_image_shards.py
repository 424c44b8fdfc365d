"""Shards as a source of images: equal to the tree they were made of; damaged ones are refused."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from shutil import copytree

import image_tree as made
import numpy as np
import pytest
import torch
import webdataset
from lissnas.errors import LissnasError
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_shards import shard_source
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.images.shard_index import shard_index
from webdataset.tariterators import group_by_keys, tar_file_expander


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.make_tree(tmp_path_factory.mktemp("imagenet"))


@pytest.fixture(scope="module")
def whole_shards(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    made.make_shards(tree, folder)
    return folder


@pytest.fixture
def shards(whole_shards: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return copytree(whole_shards, tmp_path / "shards")


def _source(shards: Path, beside: Path | None = None, workers: int = 0) -> ImageSource:
    train, validation = (str(shards / f"imagenet-{part}-*.tar") for part in ("train", "val"))
    return shard_source(train, validation, beside or shards.parent / "run", replace(made.SETTINGS, workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_are_the_same_source_as_their_tree(tree: Path, shards: Path, tmp_path: Path, workers: int) -> None:
    """Bit for bit, for any order of the samples in the shards: the same hold-out set, steps and scores."""
    of_shards = _source(shards, workers=workers)
    of_tree = folder_source(tree / "train", tree / "val", tmp_path / "other", made.SETTINGS)
    assert (of_shards.classes, of_shards.size) == (of_tree.classes, of_tree.size)
    parts = [
        (source.held_out(7), source.official_validation(7), islice(source.train.steps(12, 1, [0], 3, 0), 6))
        for source in (of_shards, of_tree)
    ]
    for one, other in zip(*parts, strict=True):
        for a, b in zip(one, other, strict=True):
            (images, labels), (others, their_labels) = (
                piece[0] if isinstance(piece, list) else piece for piece in (a, b)
            )
            assert torch.equal(images, others)
            assert torch.equal(labels, their_labels)
    for images, others in zip(of_shards.recalibration(3, 9), of_tree.recalibration(3, 9), strict=True):
        assert torch.equal(images, others)


def test_the_index_has_the_images_that_webdataset_reads(shards: Path, tmp_path: Path) -> None:
    files = sorted(map(str, shards.glob("imagenet-train-*.tar")))
    assert len(files) == 6
    expected = {}
    for file in files:
        with open(file, "rb") as stream:
            for sample in group_by_keys(tar_file_expander([{"url": file, "stream": stream}])):
                expected[sample["__key__"].encode()] = int(sample["cls"]), sample["jpeg"]
    index = shard_index(tuple(files), tmp_path / "index.npz")
    assert len(index.names) == len(expected) == 80
    for name, label, shard, begin, size in zip(
        index.names, index.labels, index.shards, index.begins, index.sizes, strict=True
    ):
        content = Path(files[shard]).read_bytes()[begin : begin + size]
        assert (label, content) == expected[bytes(name)]
    order = list(zip(index.labels.tolist(), index.names.tolist(), strict=True))
    assert order == sorted(order)


def test_braces_expand_as_in_webdataset(shards: Path, tmp_path: Path) -> None:
    source = shard_source(
        f"{shards}/imagenet-train-{{000000..000005}}.tar",
        f"{shards}/imagenet-val-{{000000..000001}}.tar",
        tmp_path / "run",
        made.SETTINGS,
    )
    assert sum(len(labels) for _, labels in source.official_validation(10)) == 24
    with pytest.raises(LissnasError, match=r"imagenet-train-000006\.tar: No such file"):
        shard_source(
            f"{shards}/imagenet-train-{{000000..000006}}.tar", f"{shards}/*-val-*.tar", tmp_path / "run", made.SETTINGS
        )


def test_a_pattern_without_a_match_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match=r"imagenet-train-\*\.tar: no such file"):
        _source(tmp_path)


# The index.


def test_shards_are_indexed_once(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, the function that reads them is gone."""
    [(first, _)] = _source(shards).official_validation(50)
    monkeypatch.setattr(tarfile, "open", None)
    [(images, _)] = _source(shards).official_validation(50)
    assert torch.equal(images, first)


def test_changed_shards_are_indexed_again(shards: Path, tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    _source(shards)
    for file in shards.glob("imagenet-val-*.tar"):
        file.unlink()
    with webdataset.ShardWriter(str(shards / "imagenet-val-%06d.tar"), verbose=0) as writer:
        for sample in list(made.samples(tree / "val"))[::-1]:
            writer.write(sample)
    [(images, _)] = _source(shards).official_validation(50)
    [(expected, _)] = folder_source(
        tree / "train", tree / "val", shards.parent / "o", made.SETTINGS
    ).official_validation(50)
    assert torch.equal(images, expected)
    assert "made for other shards" in caplog.text


def test_a_damaged_index_is_written_again(shards: Path, caplog: pytest.LogCaptureFixture) -> None:
    [first] = _source(shards).official_validation(50)
    index = shards.parent / "run" / "validation-shards.npz"
    whole = index.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 8).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 1
        for damaged in (whole[:place], bytes(flipped)):
            index.write_bytes(damaged)
            [again] = _source(shards).official_validation(50)
            assert torch.equal(first[0], again[0])
    assert "damaged" in caplog.text


def _validation(shards: Path) -> float:
    """Without torch, whose threads do not exist in a forked process."""
    return sum(float(images.numpy().sum()) for images, _ in _source(shards).official_validation(5))


def test_processes_that_start_together_find_the_same_images(shards: Path) -> None:
    with get_context("fork").Pool(2) as pool:
        sums = pool.map(_validation, [shards] * 4)
    assert set(sums) == {_validation(shards)}


# What is wrong with shards.


def _rewrite(file: Path, keep: Callable[[str, bytes], list[tuple[str, bytes]]]) -> None:
    """Write a shard again, with changed names and contents of its files."""
    buffer = io.BytesIO()
    with tarfile.open(file) as old, tarfile.open(fileobj=buffer, mode="w") as new:
        for member in old:
            for name, data in keep(member.name, old.extractfile(member).read()):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                new.addfile(info, io.BytesIO(data))
    file.write_bytes(buffer.getvalue())


def test_a_truncated_shard_is_refused(shards: Path) -> None:
    """Also one that ends after a complete file, which looks intact."""
    file = shards / "imagenet-val-000000.tar"
    whole = file.read_bytes()
    with tarfile.open(file) as archive:
        members = archive.getmembers()
    ends = [member.offset for member in members[2:]] + [members[-1].offset_data + 512]
    for size in [*ends, *np.random.default_rng(0).integers(1, ends[-1], 40).tolist()]:
        file.write_bytes(whole[:size])
        with pytest.raises(LissnasError, match=r"imagenet-val-000000\.tar: not a tar file, compressed, or truncated"):
            _source(shards)


def _beyond_all_memory() -> bytes:
    """Return a header whose name has 2^60 letters."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**60
    return header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize("content", [b"", b"no tar file" * 100, bytes(100), _beyond_all_memory()])
def test_a_file_that_is_no_tar_file_is_refused(shards: Path, content: bytes) -> None:
    (shards / "imagenet-val-000000.tar").write_bytes(content)
    with pytest.raises(LissnasError, match="not a tar file, compressed, or truncated"):
        _source(shards)


def test_a_folder_of_images_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match="val: a folder, not a shard; give the paths of tar files"):
        shard_source(str(tree / "val"), str(tree / "val"), tmp_path / "run", made.SETTINGS)


def test_a_compressed_shard_is_refused(shards: Path) -> None:
    import gzip

    file = shards / "imagenet-val-000000.tar"
    file.write_bytes(gzip.compress(file.read_bytes()))
    with pytest.raises(LissnasError, match="not a tar file, compressed, or truncated"):
        _source(shards)


def test_a_sample_without_class_or_image_is_named(shards: Path, whole_shards: Path) -> None:
    whole = (whole_shards / "imagenet-val-000000.tar").read_bytes()
    for ending, left in ((".cls", "jpeg"), (".jpeg", "cls")):
        (shards / "imagenet-val-000000.tar").write_bytes(whole)

        def keep(name: str, data: bytes, ending: str = ending) -> list[tuple[str, bytes]]:
            return [] if name.endswith(ending) else [(name, data)]

        _rewrite(shards / "imagenet-val-000000.tar", keep)
        with pytest.raises(LissnasError, match=rf"the sample n\d+/n\d+_\d has the files {left}; it must have"):
            _source(shards)


def test_a_class_that_is_not_a_number_is_refused(shards: Path) -> None:
    file = shards / "imagenet-val-000000.tar"
    _rewrite(file, lambda name, data: [(name, b"fish" if name.endswith("cls") else data)])
    with pytest.raises(LissnasError, match=r"the class of .* is b'fish', not a number"):
        _source(shards)


def test_two_samples_of_the_same_name_are_refused(shards: Path) -> None:
    (shards / "imagenet-val-000007.tar").write_bytes((shards / "imagenet-val-000000.tar").read_bytes())
    with pytest.raises(LissnasError, match="is the name of 2 samples"):
        _source(shards)


def _renumbered(shards: Path, part: str, numbers: dict[bytes, bytes]) -> None:
    for file in shards.glob(f"imagenet-{part}-*.tar"):
        _rewrite(file, lambda name, data: [(name, numbers.get(data, data) if name.endswith("cls") else data)])


def test_missing_classes_are_named(shards: Path) -> None:
    _renumbered(shards, "val", {b"3": b"2"})
    with pytest.raises(LissnasError, match="3 only among the training images"):
        _source(shards)
    _renumbered(shards, "train", {b"3": b"4"})
    with pytest.raises(LissnasError, match=r"1 of 5 classes have no image \(first: 3\)"):
        _source(shards)


def test_a_shard_truncated_later_has_unreadable_images(shards: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = _source(shards)
    file = shards / "imagenet-val-000001.tar"
    file.write_bytes(file.read_bytes()[:-14_000])
    labels = torch.cat([labels for _, labels in source.official_validation(50)])
    assert 20 < len(labels) < 24
    assert "imagenet-val-000001.tar: n" in caplog.text
