"""Files are written completely or not at all."""

import os
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write, exclusive_access


def test_the_content_is_on_the_disk_before_it_replaces_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    synced: list[tuple[int, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_size, path.exists())))
    with atomic_write(path) as file:
        file.write(b"content")
    assert synced == [(7, False)]
    assert path.read_bytes() == b"content"


def test_a_failed_sync_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"), atomic_write(tmp_path / "file") as file:
        file.write(b"content")
    assert not list(tmp_path.iterdir())


def test_exclusive_access_makes_the_folder_and_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with exclusive_access(path), pytest.raises(Timeout):
        FileLock(path.with_suffix(".lock")).acquire(timeout=0)
    FileLock(path.with_suffix(".lock")).acquire(timeout=0)


def test_exclusive_access_to_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LissnasError, match="choose another folder"), exclusive_access(tmp_path / "file" / "below"):
        pass
