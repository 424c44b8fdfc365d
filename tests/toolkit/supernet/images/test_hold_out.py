"""The hold-out set: as many images of each class, fixed by its file, and refused for other images."""

import json
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import LissnasError, SettingError
from lissnas.supernet.images.hold_out import hold_out

IMAGES = [(f"{label}/{number}.jpg".encode(), label) for label in range(7) for number in range(10 + label)]


@dataclass(frozen=True)
class Named:
    """Images that have only names: their files are never read."""

    names: np.ndarray
    labels: np.ndarray

    def where(self, place: int) -> str:
        return self.names[place].decode()

    def read(self, place: int) -> bytes:
        raise AssertionError

    def take(self, places: np.ndarray) -> "Named":
        return Named(self.names[places], self.labels[places])


def _named(images: list[tuple[bytes, int]]) -> Named:
    return Named(np.array([name for name, _ in images]), np.array([label for _, label in images]))


def test_as_many_of_each_class_are_held_out(tmp_path: Path) -> None:
    images = _named(IMAGES)
    held = hold_out(tmp_path / "new" / "held.json", images, 4, seed=0)
    assert np.bincount(images.labels[held]).tolist() == [4] * 7
    content = json.loads((tmp_path / "new" / "held.json").read_text())
    assert content["held_out"] == [name.decode() for name in images.names[held]]


def test_fifty_of_each_of_a_thousand_classes_are_fifty_thousand(tmp_path: Path) -> None:
    """ImageNet has 1,281,167 images; here there are a twentieth more than are held out."""
    images = _named([(f"n{label:08}/{number}".encode(), label) for label in range(1000) for number in range(53)])
    held = hold_out(tmp_path / "held.json", images, 50, seed=0)
    assert held.sum() == 50_000
    assert (np.bincount(images.labels[held]) == 50).all()


def test_every_image_is_equally_likely_to_be_held_out(tmp_path: Path) -> None:
    images = _named(IMAGES[:10])
    times = sum(hold_out(tmp_path / f"{seed}.json", images, 3, seed) for seed in range(300))
    assert np.abs(times - 90).max() < 4 * np.sqrt(300 * 0.3 * 0.7)


def test_an_existing_file_decides(tmp_path: Path) -> None:
    images, path = _named(IMAGES), tmp_path / "held.json"
    first = hold_out(path, images, 4, seed=0)
    written = path.read_bytes()
    assert np.array_equal(hold_out(path, images, 4, seed=0), first)
    assert path.read_bytes() == written
    assert not np.array_equal(hold_out(tmp_path / "other.json", images, 4, seed=1), first)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (IMAGES[1:], "there were 91, there are 90"),
        ([*IMAGES, (b"6/99.jpg", 6)], "there were 91, there are 92"),
        ([(b"0/renamed.jpg", 0), *IMAGES[1:]], "the training images have changed"),
        ([(name, max(label - 1, 0)) for name, label in IMAGES], "the training images have changed"),
    ],
    ids=["an image fewer", "an image more", "an image renamed", "classes numbered otherwise"],
)
def test_a_file_made_for_other_images_is_refused(
    tmp_path: Path, changed: list[tuple[bytes, int]], message: str
) -> None:
    hold_out(tmp_path / "held.json", _named(IMAGES), 4, seed=0)
    with pytest.raises(LissnasError, match=message):
        hold_out(tmp_path / "held.json", _named(changed), 4, seed=0)


def test_missing_held_out_images_are_named(tmp_path: Path) -> None:
    held = hold_out(tmp_path / "held.json", _named(IMAGES), 4, seed=0)
    gone = int(np.flatnonzero(held)[2])
    left = IMAGES[:gone] + IMAGES[gone + 1 :]
    with pytest.raises(LissnasError, match=rf"held-out images missing: 1 \(first: {IMAGES[gone][0].decode()}\)"):
        hold_out(tmp_path / "held.json", _named(left), 4, seed=0)


@pytest.mark.parametrize(
    ("per_class", "seed", "message"), [(3, 0, "held_out_per_class = 4, not 3"), (4, 1, "seed = 0, not 1")]
)
def test_a_file_made_with_other_settings_is_refused(tmp_path: Path, per_class: int, seed: int, message: str) -> None:
    hold_out(tmp_path / "held.json", _named(IMAGES), 4, seed=0)
    with pytest.raises(LissnasError, match=message):
        hold_out(tmp_path / "held.json", _named(IMAGES), per_class, seed)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Truncated anywhere, or with any character changed: it is never read as another choice of images."""
    path = tmp_path / "held.json"
    hold_out(path, _named(IMAGES), 4, seed=0)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole) - 2, 60).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 1
        for damaged in (whole[:place], bytes(flipped)):
            path.write_bytes(damaged)
            if damaged.split() == whole.split():
                continue
            with pytest.raises(LissnasError, match=r"held\.json: damaged"):
                hold_out(path, _named(IMAGES), 4, seed=0)


@pytest.mark.parametrize("content", [b"[]", b"{}", b"null", b"[" * 100_000, b"\xff\xfe"])
def test_any_other_file_of_that_name_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "held.json").write_bytes(content)
    with pytest.raises(LissnasError, match="damaged"):
        hold_out(tmp_path / "held.json", _named(IMAGES), 4, seed=0)


def test_holding_out_all_images_of_a_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"there are 10 of the class of 0/0\.jpg.*lower images\.files\.held_out"):
        hold_out(tmp_path / "held.json", _named(IMAGES), 10, seed=0)
    assert not (tmp_path / "held.json").exists()


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(LissnasError, match=r"run/held\.json: cannot be written \(File exists\); choose another folder"):
        hold_out(tmp_path / "run" / "held.json", _named(IMAGES), 4, seed=0)


def test_names_that_are_not_utf8_are_preserved(tmp_path: Path) -> None:
    images = _named([(b"a/\xff\xe9.jpg", 0), (b"a/\xff\xea.jpg", 0)])
    held = hold_out(tmp_path / "held.json", images, 1, seed=0)
    assert held.sum() == 1
    assert np.array_equal(hold_out(tmp_path / "held.json", images, 1, seed=0), held)


def _held(path: Path) -> list[int]:
    return np.flatnonzero(hold_out(path, _named(IMAGES), 4, seed=0)).tolist()


def test_processes_that_start_together_hold_out_the_same_images(tmp_path: Path) -> None:
    with get_context("fork").Pool(4) as pool:
        found = pool.map(_held, [tmp_path / "held.json"] * 8)
    assert all(held == found[0] for held in found)
