"""Results of a folder change together or not at all. tests/faults/kills.py checks this for complete commands."""

from pathlib import Path

import pytest
from lissnas.errors import LissnasError
from lissnas_analyses.results import folder as results_folder
from lissnas_analyses.results.folder import Results, read_manifest, results_below
from processes import at_file_operation, kill_this_process, run

OLD, NEW = ("kept.csv", "old.csv"), ("kept.csv", "new.csv", "new.svg")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_folder, "_git_commit", lambda: None)
    monkeypatch.setattr(results_folder, "version", lambda name: "0")
    monkeypatch.setattr("os.fsync", lambda file: None)


def save(folder: Path, names: tuple[str, ...], content: bytes) -> None:
    results = Results(folder, "compare")
    results.add_files(dict.fromkeys(names, content))
    results.save({}, {})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


def replace(folder: Path, fault: object, number: int) -> None:
    at_file_operation(number, fault, folder)
    save(folder, NEW, b"new")


def test_a_kill_at_any_operation_leaves_all_old_files_or_all_new_files(tmp_path: Path) -> None:
    folder, replaced = tmp_path / "results", []
    while True:
        save(folder, OLD, b"old")
        status = run(lambda: replace(folder, kill_this_process, len(replaced) + 1), tmp_path / "log").status
        found = read_manifest(folder)["files"]
        replaced.append(found == list(NEW))
        assert [(folder / name).read_bytes() for name in found] == [b"new" if replaced[-1] else b"old"] * len(found)
        save(folder, NEW, b"new")
        assert files(folder) == dict.fromkeys(NEW, b"new")
        if not status:
            break
    assert len(replaced) > 20
    assert replaced == sorted(replaced)  # the old results up to some operation, the new ones from there on


def full_disk() -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_the_old_results_and_says_what_to_do(tmp_path: Path) -> None:
    folder, refused = tmp_path / "results", 0
    for number in range(1, 16):
        save(folder, OLD, b"old")
        ended = run(lambda number=number: replace(folder, full_disk, number), tmp_path / "log")
        if ended.status:
            refused += 1
            assert "no space is left on the disk: free some, and run again" in ended.output
            assert files(folder) == dict.fromkeys(OLD, b"old")
            assert read_manifest(folder)["files"] == list(OLD)
    assert refused > 8


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    save(tmp_path, OLD, b"old")
    (tmp_path / "new.svg").mkdir()
    with pytest.raises(LissnasError, match=r"new\.svg: a folder is where a file should be"):
        save(tmp_path, NEW, b"new")
    assert read_manifest(tmp_path)["files"] == list(OLD)


def test_results_that_are_being_moved_are_one_folder_of_results(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    save(folder, OLD, b"old")
    save(tmp_path / "other", NEW, b"new")
    (tmp_path / "other").rename(folder / ".saving")  # a kill came between the last staged file and the first move
    assert results_below(tmp_path) == [folder]
    assert files(folder) == dict.fromkeys(NEW, b"new")
