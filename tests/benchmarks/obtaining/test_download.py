"""Downloads from a real server on this machine: complete, interrupted, resumed, altered, refused."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lissnas_benchmarks.obtaining.download
import numpy as np
import pytest
from filelock import FileLock
from lissnas.errors import LissnasError
from lissnas_analyses.cli import data as data_commands
from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.download import download

DATA = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves DATA; stops after `limit` bytes of each response, and records the requested ranges and versions."""

    limit: int = len(DATA)
    ranges = True
    etag = ""
    content_range = "bytes {start}-{end}/{size}"
    data = DATA
    pause = 0.0
    length = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.versions: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, data = self.server, self.server.data
        asked, version = self.headers.get("Range"), self.headers.get("If-Range")
        server.asked.append(asked)
        server.versions.append(version)
        is_same = version is None or version == server.etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges and is_same else 0
        if start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", server.length or str(len(data) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        if start:
            where = server.content_range.format(start=start, end=len(data) - 1, size=len(data))
            self.send_header("Content-Range", where)
        self.end_headers()
        if server.pause:
            for place in range(20):
                self.wfile.write(data[start + place : start + place + 1])
                time.sleep(server.pause)
        else:
            self.wfile.write(data[start : start + server.limit])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def file(server: Server) -> OfficialFile:
    return OfficialFile("data.bin", SHA256, f"http://127.0.0.1:{server.server_port}/data.bin", len(DATA))


def test_a_download_is_the_file(file: OfficialFile, tmp_path: Path) -> None:
    shares: list[float] = []
    assert download(file, tmp_path, shares.append).read_bytes() == DATA
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_existing_file_is_not_downloaded_again(file: OfficialFile, server: Server, tmp_path: Path) -> None:
    download(file, tmp_path)
    download(file, tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("length", ["lots", "-5"])
def test_a_length_that_is_no_number_of_bytes_is_ignored(
    length: str, file: OfficialFile, server: Server, tmp_path: Path
) -> None:
    server.length = length
    assert download(file, tmp_path).read_bytes() == DATA


def test_a_download_resumes_where_it_stopped(file: OfficialFile, server: Server, tmp_path: Path) -> None:
    server.limit = 1_000_000
    with pytest.raises(LissnasError, match=r"call 'lissnas data get' again, it continues .*data\.bin\.part"):
        download(file, tmp_path)
    assert not (tmp_path / "data.bin").exists()
    server.limit = len(DATA)
    assert download(file, tmp_path).read_bytes() == DATA
    assert server.asked == [None, "bytes=1000000-"]


def test_a_server_that_cannot_resume_sends_the_complete_file_again(
    file: OfficialFile, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA[:1000])
    server.ranges = False
    assert download(file, tmp_path).read_bytes() == DATA


def test_a_complete_part_needs_no_more_bytes(file: OfficialFile, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA)
    assert download(file, tmp_path).read_bytes() == DATA


def test_another_file_of_the_same_name_is_refused(file: OfficialFile, tmp_path: Path) -> None:
    other = OfficialFile(file.name, "0" * 64, file.url, file.size)
    with pytest.raises(BenchmarkFileError, match=r"altered .*; it was deleted: call 'lissnas data get' again"):
        download(other, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_a_damaged_part_is_detected_by_its_checksum(file: OfficialFile, tmp_path: Path) -> None:
    (tmp_path / "data.bin.part").write_bytes(b"x" + DATA[1:1000])
    with pytest.raises(BenchmarkFileError, match="altered"):
        download(file, tmp_path)


def test_an_unreachable_server_raises_an_error_with_what_to_do(tmp_path: Path) -> None:
    nowhere = OfficialFile("data.bin", SHA256, "http://127.0.0.1:9/data.bin", len(DATA))
    with pytest.raises(LissnasError, match="call 'lissnas data get' again"):
        download(nowhere, tmp_path)


def test_too_little_disk_space_is_detected_before_the_download(
    file: OfficialFile, server: Server, tmp_path: Path
) -> None:
    huge = OfficialFile(file.name, SHA256, file.url, 10**18)
    with pytest.raises(LissnasError, match=r"needs 1000000000\.0 GB"):
        download(huge, tmp_path)
    assert server.asked == []


def test_a_file_without_an_address_must_be_downloaded_by_hand(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match="by hand"):
        download(OfficialFile("data.bin"), tmp_path)


def test_an_incomplete_download_is_detected_without_a_known_size_or_checksum(server: Server, tmp_path: Path) -> None:
    file = OfficialFile("models.zip", url=f"http://127.0.0.1:{server.server_port}/models.zip")
    server.limit, server.etag = 1_000_000, '"one"'
    shares: list[float] = []
    with pytest.raises(LissnasError, match="it continues"):
        download(file, tmp_path, shares.append)
    assert not (tmp_path / "models.zip").exists()
    server.limit = len(DATA)
    assert download(file, tmp_path, shares.append).read_bytes() == DATA
    assert shares[-1] == 1
    assert server.asked == [None, "bytes=1000000-"]


# The same version of a file


@pytest.fixture
def unknown(file: OfficialFile) -> OfficialFile:
    """The file, without its checksum and its length."""
    return OfficialFile(file.name, None, file.url)


def test_a_part_is_continued_only_if_the_server_has_the_same_version(
    unknown: OfficialFile, server: Server, tmp_path: Path
) -> None:
    server.limit, server.etag = 1_000_000, '"one"'
    with pytest.raises(LissnasError, match="received only 1,000,000 of 3,000,000 bytes"):
        download(unknown, tmp_path)
    server.limit, server.etag, server.data = len(DATA), '"two"', DATA[::-1]
    assert download(unknown, tmp_path).read_bytes() == DATA[::-1]
    assert server.asked == [None, "bytes=1000000-"]
    assert server.versions == [None, '"one"']
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["data.bin"]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_a_part_without_a_version_and_a_checksum_is_downloaded_anew(
    etag: str, unknown: OfficialFile, server: Server, tmp_path: Path
) -> None:
    server.limit, server.etag = 1_000_000, etag
    with pytest.raises(LissnasError, match="received only"):
        download(unknown, tmp_path)
    server.limit, server.data = len(DATA), DATA[::-1]
    assert download(unknown, tmp_path).read_bytes() == DATA[::-1]
    assert server.asked == [None, None]


@pytest.mark.parametrize("sent", ["bytes 5-{end}/{size}", "bytes {start}-{end}/7", ""])
def test_bytes_of_another_place_are_refused_and_the_part_is_deleted(
    sent: str, unknown: OfficialFile, server: Server, tmp_path: Path
) -> None:
    server.limit, server.etag = 1_000_000, '"one"'
    with pytest.raises(LissnasError, match="received only"):
        download(unknown, tmp_path)
    server.limit, server.content_range = len(DATA), sent
    with pytest.raises(LissnasError, match=r"instead of the bytes from 1,000,000 on; .* it starts anew"):
        download(unknown, tmp_path)
    assert download(unknown, tmp_path).read_bytes() == DATA


def test_a_part_that_is_longer_than_the_file_is_downloaded_anew(
    file: OfficialFile, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data.bin.part").write_bytes(DATA + b"x")
    assert download(file, tmp_path).read_bytes() == DATA


def test_a_connection_that_almost_stops_is_given_up(
    file: OfficialFile, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lissnas_benchmarks.obtaining.download, "_TIMEOUT", 0.2)
    server.pause = 0.05
    with pytest.raises(LissnasError, match=r"only \d+ bytes in 0 seconds; call 'lissnas data get' again, it continues"):
        download(file, tmp_path)


def test_a_second_process_waits_and_does_not_download_again(file: OfficialFile, server: Server, tmp_path: Path) -> None:
    other = FileLock(tmp_path / ".data.lock")
    other.acquire()
    waiting = threading.Event()
    second = threading.Thread(target=download, args=(file, tmp_path), kwargs={"on_wait": waiting.set})
    second.start()
    assert waiting.wait(10)
    (tmp_path / "data.bin").write_bytes(DATA)
    other.release()
    second.join(10)
    assert server.asked == []


def test_what_the_import_refuses_is_deleted(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path))
    server.data = b"<!DOCTYPE html><html>"
    name = "nas-bench-macro_cifar10.json"
    page = replace(
        find_adapter("nas-bench-macro"), files=(OfficialFile(name, None, f"http://127.0.0.1:{server.server_port}/x"),)
    )
    monkeypatch.setattr(data_commands, "find_adapter", lambda _: page)
    with pytest.raises(BenchmarkFileError, match=r"it is a web page .*; what was downloaded is deleted"):
        data_commands.get_data("nas-bench-macro")
    assert not list(tmp_path.rglob(name))
