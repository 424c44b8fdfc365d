"""Folders and archives of small files: the same files from each, and limits that hostile ones meet."""

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.archive_reader import read_archive

FILES = {"json/result_1.json": b"one", "json/result_20.json": b"twenty", "README": b"more", "json/._result_3.json": b""}
PATTERN = r"result_\d+\.json"
FOUND = {"result_1.json": b"one", "result_20.json": b"twenty"}


def _tar(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            entry.size = len(data) if kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def _zip(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", kind) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return archive.getvalue()


CONTAINERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar": _tar,
    "tar.gz": lambda files: gzip.compress(_tar(files)),
    "tar.bz2": lambda files: bz2.compress(_tar(files)),
    "tar.xz": lambda files: lzma.compress(_tar(files)),
    "zip": _zip,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture(params=CONTAINERS)
def container(request: pytest.FixtureRequest) -> Callable[[dict[str, bytes]], bytes]:
    return CONTAINERS[request.param]


def test_the_matching_files_of_every_container_are_read(
    container: Callable[[dict[str, bytes]], bytes], path: Path
) -> None:
    path.write_bytes(container(FILES))
    assert dict(read_archive(path, PATTERN)) == FOUND


def test_the_matching_files_of_a_folder_are_read(path: Path) -> None:
    for name, data in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    assert dict(read_archive(path / "json", PATTERN)) == FOUND


@pytest.mark.parametrize(
    "name", ["../result_1.json", "a/../../result_1.json", "/result_1.json", "a\\..\\result_1.json", "C:\\result_1.json"]
)
def test_a_path_that_leads_out_of_the_archive_is_refused(
    container: Callable[[dict[str, bytes]], bytes], name: str, path: Path
) -> None:
    path.write_bytes(container({name: b"x"}))
    with pytest.raises(BenchmarkFileError, match="leads out of the archive"):
        list(read_archive(path, PATTERN))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_entries_that_are_not_plain_files_are_ignored(kind: bytes, path: Path) -> None:
    path.write_bytes(_tar({"result_1.json": b""}, kind, "/etc/passwd"))
    assert list(read_archive(path, PATTERN)) == []


def test_a_file_that_is_too_large_is_refused(container: Callable[[dict[str, bytes]], bytes], path: Path) -> None:
    path.write_bytes(container({"result_1.json": bytes(1 << 17)}))
    with pytest.raises(BenchmarkFileError, match=r"result_1\.json has more than 65,536 bytes"):
        list(read_archive(path, PATTERN))


def test_an_archive_that_decompresses_to_more_than_the_limit_is_refused_in_little_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A tar with one entry that does not match and claims 4 GB of zeros, compressed 100 to 1.
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_TOTAL_BYTES", 32 << 20)
    head = tarfile.TarInfo("padding")
    head.size = 4 << 30
    with gzip.open(path, "wb", compresslevel=1) as target:
        target.write(head.tobuf())
        for _ in range(40):
            target.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BenchmarkFileError, match="decompresses to more than 32 MiB"):
            list(read_archive(path, PATTERN))
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


def test_a_zip_that_decompresses_to_more_than_the_limit_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_TOTAL_BYTES", 1 << 20)
    path.write_bytes(_zip({f"result_{number}.json": bytes(1 << 16) for number in range(20)}))
    with pytest.raises(BenchmarkFileError, match="decompresses to more than 1 MiB"):
        list(read_archive(path, PATTERN))


def test_too_many_files_are_refused(
    container: Callable[[dict[str, bytes]], bytes], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_FILES", 10)
    path.write_bytes(container({f"result_{number}.json": b"" for number in range(20)}))
    with pytest.raises(BenchmarkFileError, match="more than 10 files"):
        list(read_archive(path, PATTERN))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "LZMA"])
def test_a_zip_that_cannot_be_decompressed_in_pieces_is_refused(kind: int, path: Path) -> None:
    # 1,281 bytes of bzip2 would take three gigabytes.
    path.write_bytes(_zip({"result_1.json": b"x"}, kind))
    with pytest.raises(BenchmarkFileError, match=r"result_1\.json is compressed by another method than deflate"):
        list(read_archive(path, PATTERN))


def test_other_files_count_towards_the_limit_and_are_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Half a million entries that do not match took 37 seconds.
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_FILES", 2000)
    path.write_bytes(gzip.compress(tarfile.TarInfo("x").tobuf() * 3000))
    tracemalloc.start()
    try:
        with pytest.raises(BenchmarkFileError, match="more than 2,000 files"):
            list(read_archive(path, PATTERN))
        assert tracemalloc.get_traced_memory()[1] < 6e5
    finally:
        tracemalloc.stop()


def test_a_header_of_gigabytes_is_refused_in_little_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_TOTAL_BYTES", 4 << 20)
    entry = tarfile.TarInfo("result_1.json")
    entry.pax_headers = {"comment": "x" * (64 << 20)}
    path.write_bytes(gzip.compress(entry.tobuf(format=tarfile.PAX_FORMAT), 1))
    tracemalloc.start()
    try:
        with pytest.raises(BenchmarkFileError, match="decompresses to more than 4 MiB"):
            list(read_archive(path, PATTERN))
        assert tracemalloc.get_traced_memory()[1] < 3e7
    finally:
        tracemalloc.stop()


def test_the_limits_of_a_folder_are_those_of_an_archive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.mkdir()
    for number in range(20):
        (path / f"result_{number}.json").write_bytes(bytes(1 << 16))
    monkeypatch.setattr("lissnas_benchmarks.readers.archive_reader._MAX_TOTAL_BYTES", 1 << 20)
    with pytest.raises(BenchmarkFileError, match="decompresses to more than 1 MiB"):
        list(read_archive(path, PATTERN))


@pytest.mark.parametrize("data", [b"", b"text", b"\x1f\x8b", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ"], ids=repr)
def test_a_file_that_is_not_an_archive_is_refused(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    with pytest.raises(BenchmarkFileError, match="archive: not a readable folder, zip or tar archive"):
        list(read_archive(path, PATTERN))


def test_a_truncated_or_altered_archive_raises_only_errors_for_the_user(
    container: Callable[[dict[str, bytes]], bytes], path: Path
) -> None:
    rng = np.random.default_rng(0)
    good = container({f"result_{number}.json": rng.bytes(100) for number in range(10)})
    surprises = set()
    for place in rng.integers(0, len(good), 60):
        damaged = bytearray(good)
        damaged[place] ^= 1 << int(rng.integers(8))
        for data in (bytes(damaged), good[:place]):
            path.write_bytes(data)
            try:
                list(read_archive(path, PATTERN))
            except BenchmarkFileError:
                pass
            except Exception as error:
                surprises.add(repr(error))
    assert surprises == set()
