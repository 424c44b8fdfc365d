"""Downloads from a real server on this machine: complete, interrupted, resumed, altered, refused."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import LissnasError
from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.download import download
from lissnas_benchmarks.errors import BenchmarkFileError

DATA = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves DATA; stops after `limit` bytes of each response, and records the requested ranges."""

    limit: int = len(DATA)
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if start >= len(DATA):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        self.wfile.write(DATA[start : start + self.server.limit])

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
    with pytest.raises(BenchmarkFileError, match=r"delete .*data\.bin\.part"):
        download(other, tmp_path)
    assert not (tmp_path / "data.bin").exists()


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
    server.limit = 1_000_000
    shares: list[float] = []
    with pytest.raises(LissnasError, match="it continues"):
        download(file, tmp_path, shares.append)
    assert not (tmp_path / "models.zip").exists()
    server.limit = len(DATA)
    assert download(file, tmp_path, shares.append).read_bytes() == DATA
    assert shares[-1] == 1
    assert server.asked == [None, "bytes=1000000-"]
