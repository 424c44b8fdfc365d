"""Files that are whole or not there."""

import os
from pathlib import Path

import pytest
from lissnas.storage.atomic_write import atomic_write


def test_the_content_is_on_the_disk_before_the_file_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    synced: list[tuple[int, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_size, path.exists())))
    with atomic_write(path) as file:
        file.write(b"content")
    assert synced == [(7, False)]
    assert path.read_bytes() == b"content"


def test_what_cannot_be_brought_to_the_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"), atomic_write(tmp_path / "file") as file:
        file.write(b"content")
    assert not list(tmp_path.iterdir())
