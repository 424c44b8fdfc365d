"""Unpacking a surrogate's archive: only what is read, never outside, never more than the archive says."""

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import LissnasError
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.surrogates import model_archive
from lissnas_benchmarks.surrogates.model_archive import unpacked

WANTED = r"(.*/)?wanted(/.*)?"


def _archive(folder: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "models.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _found(path: Path, beside: Path) -> dict[str, bytes]:
    with unpacked(path, WANTED, beside) as folder:
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_only_matching_files_are_unpacked_and_nothing_is_left(tmp_path: Path) -> None:
    files = {"models/wanted/a": b"A" * 100, "models/other/b": b"B", "models/wanted/c/d": b""}
    path = _archive(tmp_path, files)
    assert _found(path, tmp_path) == {name: data for name, data in files.items() if "wanted" in name}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["../wanted", "/wanted", "a/../../wanted", "a\\..\\wanted/wanted", "C:/wanted"])
def test_a_path_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchmarkFileError, match="a path that leads out of it"):
        _found(_archive(tmp_path, {name: b"evil"}), tmp_path)


def test_a_file_longer_than_its_archive_states_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path, {"wanted": bytes(10_000_000)})
    data = path.read_bytes()
    lied = data.replace(struct.pack("<L", 10_000_000), struct.pack("<L", 1_000))
    assert lied != data
    path.write_bytes(lied)
    with pytest.raises(BenchmarkFileError, match=r"longer than the archive states|not a complete zip archive"):
        _found(path, tmp_path)


@pytest.mark.parametrize(("name", "limit"), [("_MAX_FILE_BYTES", 999), ("_MAX_TOTAL_BYTES", 9_999), ("_MAX_FILES", 9)])
def test_an_archive_that_decompresses_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    path = _archive(tmp_path, {f"wanted/{number}": bytes(1000) for number in range(10)})
    monkeypatch.setattr(model_archive, name, limit)
    with pytest.raises(BenchmarkFileError, match="more than any official archive"):
        _found(path, tmp_path)


def test_a_disk_without_space_says_how_much_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _archive(tmp_path, {"wanted": bytes(2_000_000)})
    monkeypatch.setattr(model_archive.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    with pytest.raises(LissnasError, match=r"0\.0 GB, and 0\.0 GB are free"):
        _found(path, tmp_path)


@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 7)), max_size=3))
def test_a_damaged_archive_is_a_clear_error_or_gives_what_was_in_it(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = _archive(folder, {"wanted/a": b"A" * 300, "wanted/b": b"b" * 50})
    data = bytearray(path.read_bytes())
    for place, bit in flips:
        data[place % len(data)] ^= 1 << bit
    path.write_bytes(data[: len(data) - cut % len(data)])
    try:
        found = _found(path, folder)
    except BenchmarkFileError:
        return
    assert set(found.values()) <= {b"A" * 300, b"b" * 50}
