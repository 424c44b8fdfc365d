"""A tree of folders as a source of images: which images it has, how they are loaded, and which trees are refused."""

import logging
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shutil import copytree, rmtree

import image_tree as made
import numpy as np
import pytest
import torch
from lissnas.errors import LissnasError, SettingError
from lissnas.supernet.images import image_folder
from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.images.image_files import ImageFileSettings
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.images.image_source import ImageSource
from PIL import Image


@pytest.fixture(scope="module")
def whole_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.make_tree(tmp_path_factory.mktemp("imagenet"))


@pytest.fixture
def tree(whole_tree: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return copytree(whole_tree, tmp_path / "tree")


def _source(tree: Path, settings: ImageFileSettings = made.SETTINGS, beside: Path | None = None) -> ImageSource:
    return folder_source(tree / "train", tree / "val", beside or tree.parent / "run", settings)


def _known(images: torch.Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def test_a_tree_is_a_source(whole_tree: Path, tmp_path: Path) -> None:
    source = _source(whole_tree, beside=tmp_path)
    assert (source.classes, source.channels, source.size) == (4, 3, 32)
    held, judged = list(source.held_out(8)), list(source.official_validation(10))
    assert [len(labels) for _, labels in held] == [8, 8, 4]
    assert [len(labels) for _, labels in judged] == [10, 10, 4]
    assert np.bincount(torch.cat([labels for _, labels in held])).tolist() == [5] * 4
    assert np.bincount(torch.cat([labels for _, labels in judged])).tolist() == [6] * 4
    assert held[0][0].shape == (8, 3, 32, 32)
    assert held[0][0].dtype == torch.uint8
    assert len({int(label) for label in held[0][1]}) > 1, "the first of them are of several classes"


def test_labels_follow_the_names_of_folders_and_channels_are_blue_green_red(whole_tree: Path, tmp_path: Path) -> None:
    for images, labels in _source(whole_tree, beside=tmp_path).official_validation(7):
        means = images.float().mean((2, 3))
        expected = torch.tensor(made.COLORS)[labels].flip(1)
        assert (means - expected).abs().max() < 15


def test_a_scored_image_is_the_center_of_the_file(whole_tree: Path, tmp_path: Path) -> None:
    [(images, _)] = _source(whole_tree, beside=tmp_path).official_validation(100)
    file = sorted((whole_tree / "val" / made.CLASSES[0]).iterdir())[0]
    augmentation = made.SETTINGS.augmentation
    assert torch.equal(images[0], augmentation.for_scoring()(Image.open(file)).float())


def test_every_part_is_the_same_each_time(whole_tree: Path, tmp_path: Path) -> None:
    source, again = (_source(whole_tree, beside=tmp_path) for _ in range(2))
    for part in ("held_out", "official_validation"):
        pieces = getattr(source, part)(9)
        first = [_known(images) for images, _ in pieces]
        assert [_known(images) for images, _ in pieces] == first
        assert [_known(images) for images, _ in getattr(again, part)(9)] == first
    recalibration = source.recalibration(3, 8)
    first = [_known(images) for images in recalibration]
    assert [len(images) for images in first] == [8] * 3
    assert [_known(images) for images in recalibration] == first


def test_held_out_images_are_never_trained_on(
    whole_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked with the files that two epochs read; they leave out different images."""
    read: list[str] = []
    reading = image_folder._FolderImages.read
    monkeypatch.setattr(
        image_folder._FolderImages, "read", lambda self, place: read.append(self.where(place)) or reading(self, place)
    )
    source = _source(whole_tree, beside=tmp_path)
    _steps(source, [0, 1, 2], 0, 10)
    trained = set(read)
    read.clear()
    list(source.recalibration(6, 10))
    assert set(read) == trained
    read.clear()
    list(source.held_out(8))
    assert len(set(read)) == 20
    assert not set(read) & trained
    assert set(read) | trained == {str(file) for file in (whole_tree / "train").glob("*/*")}
    with pytest.raises(SettingError, match="the 60 training images"):
        source.recalibration(61, 1)


def test_an_epoch_has_every_training_image_that_is_not_held_out(whole_tree: Path, tmp_path: Path) -> None:
    source = _source(whole_tree, beside=tmp_path)
    epoch = islice(source.train.steps(20, 1, [0], seed=1, first_step=0), 3)
    labels = Counter(int(label) for [(_, labels)] in epoch for label in labels)
    assert labels == dict.fromkeys(range(4), 15)


def _steps(source: ImageSource, mine: list[int], first: int, count: int, seed: int = 5) -> list[list[LabeledBatch]]:
    return list(islice(source.train.steps(12, 3, mine, seed, first), count))


def _pieces(steps: list[list[LabeledBatch]]) -> list[LabeledBatch]:
    return [piece for pieces in steps for piece in pieces]


def _same(one: LabeledBatch, other: LabeledBatch) -> bool:
    return torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_the_images_of_a_step_do_not_depend_on_workers_processes_or_the_first_step(
    whole_tree: Path, tmp_path: Path
) -> None:
    """For any number of workers and of processes, and for a run that resumes at any step."""
    source = _source(whole_tree, beside=tmp_path)
    whole = _steps(source, [0, 1, 2], 0, 8)
    decoded_elsewhere = _source(whole_tree, replace(made.SETTINGS, workers=2), tmp_path)
    for mine, first in (([0, 1, 2], 0), ([1], 0), ([2, 0], 6)):
        for step, pieces in enumerate(_steps(decoded_elsewhere, mine, first, 8 - first), first):
            assert all(_same(piece, whole[step][number]) for piece, number in zip(pieces, mine, strict=True))


def test_each_step_and_run_augments_an_image_differently(whole_tree: Path, tmp_path: Path) -> None:
    source = _source(whole_tree, beside=tmp_path)
    several = [*_steps(source, [0, 1, 2], 0, 15), *_steps(source, [0, 1, 2], 0, 15, seed=6)]
    keys = [key for pieces in several for images, _ in pieces for key in _known(images)]
    assert len(set(keys)) == len(keys) == 2 * 15 * 12


def test_loading_does_not_change_the_state_of_torchs_generator(whole_tree: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    for workers in (0, 1):
        _steps(_source(whole_tree, replace(made.SETTINGS, workers=workers), tmp_path), [0], 0, 2)
    assert torch.equal(torch.rand(4), expected)


def test_descriptions_of_other_images_and_augmentations_differ(tree: Path, tmp_path: Path) -> None:
    other = replace(made.SETTINGS, augmentation=replace(made.SETTINGS.augmentation, color_jitter=0.1))
    descriptions = [_source(tree).train.description, _source(tree, other).train.description]
    descriptions.append(_source(tree, replace(made.SETTINGS, hold_out_seed=1), tmp_path / "2").train.description)
    next((tree / "train" / made.CLASSES[0]).iterdir()).unlink()
    descriptions.append(_source(tree, beside=tmp_path / "3").train.description)
    assert len(set(descriptions)) == 4
    assert _source(tree, beside=tmp_path / "3").train.description == descriptions[3]


def test_a_changed_tree_is_refused(tree: Path) -> None:
    _source(tree)
    next((tree / "train" / made.CLASSES[1]).iterdir()).unlink()
    with pytest.raises(
        LissnasError, match=r"hold-out\.json: the training images have changed: there were 80, there are 79"
    ):
        _source(tree)


def test_nested_folders_belong_to_their_class_and_hidden_files_are_skipped(tree: Path, tmp_path: Path) -> None:
    folder = tree / "val" / made.CLASSES[2]
    (folder / "more").mkdir()
    next(folder.glob("*.JPEG")).rename(folder / "more" / "moved.JPEG")
    (folder / "._moved.JPEG").write_bytes(b"of another system")
    (folder / "notes.txt").write_text("no image")
    (tree / "val" / ".cache").mkdir()
    labels = torch.cat([labels for _, labels in _source(tree, beside=tmp_path).official_validation(50)])
    assert np.bincount(labels).tolist() == [6] * 4


# What is wrong with a tree.


def test_a_missing_class_is_named(tree: Path) -> None:
    rmtree(tree / "val" / made.CLASSES[1])
    with pytest.raises(LissnasError, match=f"{made.CLASSES[1]} only among the training images; add"):
        _source(tree)


def test_classes_that_differ_are_named_on_both_sides(tree: Path) -> None:
    (tree / "val" / made.CLASSES[1]).rename(tree / "val" / "fish")
    with pytest.raises(LissnasError, match=f"{made.CLASSES[1]} only among the training .*; fish only among the valid"):
        _source(tree)


def test_the_required_number_of_classes_is_checked(tree: Path) -> None:
    for part in ("train", "val"):
        rmtree(tree / part / made.CLASSES[3])
    with pytest.raises(LissnasError, match="images of 3 classes, not of 4"):
        _source(tree, replace(made.SETTINGS, classes=4))
    assert _source(tree).classes == 3


def test_an_empty_class_is_named(tree: Path) -> None:
    for file in (tree / "train" / made.CLASSES[2]).iterdir():
        file.unlink()
    with pytest.raises(LissnasError, match=rf"{made.CLASSES[2]}: contains no image, like 1 of 4 class folders"):
        _source(tree)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_classes_is_refused(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "train").mkdir()
    with pytest.raises(LissnasError, match="contains no folder" if there else "No such file or directory"):
        _source(tmp_path)


def test_loose_validation_images_are_refused_with_advice_to_sort_them(tree: Path) -> None:
    """The official archive of validation images has no folders."""
    for name in made.CLASSES:
        for file in (tree / "val" / name).iterdir():
            file.rename(tree / "val" / file.name)
        (tree / "val" / name).rmdir()
    with pytest.raises(LissnasError, match="contains no folder, but 24 files: sort them into folders"):
        _source(tree)


# Images that cannot be read.


def _damage(tree: Path, part: str, count: int) -> list[Path]:
    """Truncate some images of the first class."""
    files = sorted((tree / part / made.CLASSES[0]).iterdir())[:count]
    for file in files:
        file.write_bytes(file.read_bytes()[:300])
    return files


def test_an_unreadable_image_is_logged_once_and_replaced_by_another_of_its_class(
    tree: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = _source(tree)
    expected = _steps(whole, [0, 1, 2], 0, 10)
    files = _damage(tree, "train", 3)
    damaged = _source(tree)
    with caplog.at_level(logging.WARNING):
        found = _steps(damaged, [0, 1, 2], 0, 10)
    held = {str(file) for file in files} - {record.args[0] for record in caplog.records}
    assert len(held) + len(caplog.records) == 3
    assert len(caplog.records) > 0
    assert "truncated" in caplog.text.lower()
    assert f"{len(caplog.records)} unreadable images so far" in caplog.text
    changed = 0
    for one, other in zip(_pieces(expected), _pieces(found), strict=True):
        assert torch.equal(one[1], other[1])
        changed += sum(a != b for a, b in zip(_known(one[0]), _known(other[0]), strict=True))
    assert changed == 2 * len(caplog.records), "in two epochs each was due twice"
    for workers in (0, 2):
        again = _steps(_source(tree, replace(made.SETTINGS, workers=workers)), [0, 1, 2], 0, 10)
        assert all(_same(*both) for both in zip(_pieces(found), _pieces(again), strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_too_many_unreadable_images_are_an_error_that_names_them(tree: Path, workers: int) -> None:
    _damage(tree, "train", 20)
    listed = r"at most 3 may be skipped: .*\.JPEG \([Tt]runcated"
    with pytest.raises(LissnasError, match=rf"{listed}.*; repair them, or raise images\.files\.max_unreadable$") as e:
        _steps(_source(tree, replace(made.SETTINGS, workers=workers)), [0, 1, 2], 0, 10)
    assert "Traceback" not in str(e.value)


def test_a_class_without_a_readable_image_is_an_error(tree: Path) -> None:
    _damage(tree, "train", 20)
    with pytest.raises(LissnasError, match=f"no image of the class of .*{made.CLASSES[0]}"):
        _steps(_source(tree, replace(made.SETTINGS, max_unreadable=50)), [0, 1, 2], 0, 10)


def test_an_unreadable_validation_image_is_missing_and_logged(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    [file] = _damage(tree, "val", 1)
    source = _source(tree)
    for _ in range(2):
        labels = torch.cat([labels for _, labels in source.official_validation(4)])
        assert np.bincount(labels).tolist() == [5, 6, 6, 6]
    assert [record.args[0] for record in caplog.records] == [str(file)]


def test_a_deleted_file_is_skipped_like_an_unreadable_one(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = _source(tree)
    (tree / "val" / made.CLASSES[0] / f"{made.CLASSES[0]}_0.JPEG").unlink()
    assert sum(len(labels) for _, labels in source.official_validation(10)) == 23
    assert "No such file or directory" in caplog.text


def test_control_characters_in_names_are_escaped_in_messages(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tree / "val" / made.CLASSES[0] / "\x1b[31m\nred.jpg").write_bytes(b"")
    list(_source(tree).official_validation(10))
    assert r"/\x1b[31m\nred.jpg: skipped (empty); 1 unreadable images so far" in caplog.text
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize("place", ["train", f"val/{made.CLASSES[0]}"])
def test_a_circular_link_is_refused_with_advice_to_remove_it(tree: Path, place: str) -> None:
    link = tree / place / "link.jpg"
    link.symlink_to("link.jpg")
    with pytest.raises(LissnasError, match=rf"^{link}: Too many levels of symbolic links; remove the link$"):
        _source(tree)


def test_gray_and_cmyk_images_are_used(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tree / "val" / made.CLASSES[0]
    for file, kind in zip(sorted(folder.iterdir())[:2], ("L", "CMYK"), strict=True):
        Image.open(file).convert(kind).save(file)
    assert sum(len(labels) for _, labels in _source(tree).official_validation(10)) == 24
    assert not caplog.records
