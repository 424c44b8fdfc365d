"""Downloads from a server with faults, also killed in between, end with the right bytes and no other file.

    python tests/faults/downloads.py [CLAIM ...] [--count N] [--rows FILE]

Each case is one fault of the server. The first cases begin a download, the next ones continue one, and the others are
also killed with `kill -9`. A faulty download ends well or in a sentence. Then the server has no fault: the same
download ends well, at the latest the second time, because the first one may find that its part is damaged.
"""

import hashlib
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lissnas_benchmarks.obtaining.download as downloading
import numpy as np
from claims import Case, main
from lissnas.errors import LissnasError
from lissnas_benchmarks.adapter import OfficialFile
from processes import at_file_operation, kill_this_process, run, run_and_kill, start

DATA = np.random.default_rng(0).bytes(300_000)

OTHER = np.random.default_rng(1).bytes(300_000)

THIRD = len(DATA) // 3

PAGE = b"<!DOCTYPE html><html>please log in</html>"

SECONDS = 0.3
"""Seconds after which a download of this program gives a silent server up, in the place of a minute."""

STATUS_OF_KILL = -9


class Server(ThreadingHTTPServer):
    """Serves DATA with the fault whose name is in a file, and ends with the process that started it."""

    daemon_threads = True
    fault = Path()
    parent = 0

    def service_actions(self) -> None:
        if os.getppid() != self.parent:
            os._exit(0)


class Handler(BaseHTTPRequestHandler):
    """Answers as a good server does, or with a fault."""

    server: Server
    begin = 0

    def do_GET(self) -> None:
        asked = self.headers.get("Range") or ""
        version = self.headers.get("If-Range")
        is_same = version in (None, '"one"')
        self.begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and is_same else 0
        name = self.server.fault.read_text()
        FAULTS[name](self) if name and self.path == "/data.bin" else self.answer(DATA)

    def answer(
        self,
        data: bytes,
        *,
        status: int = 0,
        headers: dict[str, str | None] | None = None,
        sent: slice = slice(None),
        pause: float = 0,
    ) -> None:
        """Send the headers of a good server, changed by `headers`, and the part `sent` of what comes."""
        content = data[self.begin :]
        good = {"Content-Length": str(len(content)), "ETag": '"one"'}
        if self.begin:
            good["Content-Range"] = f"bytes {self.begin}-{len(data) - 1}/{len(data)}"
        self.send_response(status or (206 if self.begin else 200))
        for key, value in (good | (headers or {})).items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        for chunk in (content[sent],) if not pause else (content[place : place + 1] for place in range(40)):
            self.wfile.write(chunk)
            time.sleep(pause)

    def whole(self, data: bytes, **changed: object) -> None:
        """Send all bytes of other content, whatever was asked."""
        self.begin = 0
        self.answer(data, **changed)  # type: ignore[arg-type]

    def nothing(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def reset(self) -> None:
        self.answer(DATA, sent=slice(1000))
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def stall(self) -> None:
        self.answer(DATA, sent=slice(1000))
        time.sleep(2 * SECONDS)

    def raw(self, content: bytes) -> None:
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _flipped(data: bytes) -> bytes:
    return data[:-7] + bytes([data[-7] ^ 1]) + data[-6:]


FAULTS: dict[str, Callable[[Handler], None]] = {
    "ends in the middle": lambda to: to.answer(DATA, sent=slice(1000)),
    "ends before the first byte": lambda to: to.answer(DATA, sent=slice(0)),
    "a smaller length": lambda to: to.answer(DATA, headers={"Content-Length": "1000"}),
    "a larger length": lambda to: to.answer(DATA, headers={"Content-Length": "900000"}),
    "no length": lambda to: to.answer(DATA, headers={"Content-Length": None}),
    "no length, and ends in the middle": lambda to: to.answer(DATA, headers={"Content-Length": None}, sent=slice(1000)),
    "a word as the length": lambda to: to.answer(DATA, headers={"Content-Length": "lots"}),
    "a negative length": lambda to: to.answer(DATA, headers={"Content-Length": "-5"}),
    "a length of 30 digits": lambda to: to.answer(DATA, headers={"Content-Length": "9" * 30}),
    "a page in place of the file": lambda to: to.whole(PAGE),
    "a page in place of the rest": lambda to: to.whole(b"x" * to.begin + PAGE),
    "another file of the same length": lambda to: to.whole(OTHER),
    "another file, whose tag changed": lambda to: to.whole(OTHER, headers={"ETag": '"two"'}),
    "the rest of another file": lambda to: to.answer(OTHER),
    "one other bit": lambda to: to.answer(_flipped(DATA)),
    "more bytes than the file": lambda to: to.answer(DATA + b"more"),
    "a redirection to itself": lambda to: to.nothing(302, Location="/data.bin"),
    "a redirection to the file": lambda to: to.nothing(302, Location="/good"),
    "a redirection to a local file": lambda to: to.nothing(302, Location="file:///etc/hostname"),
    "a redirection to nowhere": lambda to: to.nothing(301),
    "404": lambda to: to.nothing(404),
    "500": lambda to: to.nothing(500),
    "503": lambda to: to.nothing(503, Retry_After="3600"),
    "204": lambda to: to.nothing(204),
    "416": lambda to: to.nothing(416, Content_Range="bytes */1000"),
    "416 with the length of the part": lambda to: to.nothing(416, Content_Range=f"bytes */{to.begin}"),
    "a range of another place": lambda to: to.answer(DATA, status=206, headers={"Content-Range": "bytes 5-9/300000"}),
    "a range of another length": lambda to: to.answer(
        DATA, status=206, headers={"Content-Range": f"bytes {to.begin}-8/9"}
    ),
    "a part without its range": lambda to: to.answer(DATA, status=206, headers={"Content-Range": None}),
    "ranges are ignored": lambda to: to.whole(DATA),
    "the connection is reset": Handler.reset,
    "no answer": lambda to: None,
    "silence in the middle": Handler.stall,
    "a byte now and then": lambda to: to.answer(DATA, pause=SECONDS / 10),
    "an answer that is no HTTP": lambda to: to.raw(b"\x00\xff\n\n" * 50),
    "damaged chunks": lambda to: to.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"),
}
"""What a server does wrong, by its name."""


def _serve(listening: socket.socket, fault: Path, parent: int) -> None:
    server = Server(listening.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket, server.fault, server.parent = listening, fault, parent
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # for clients that are killed
    server.serve_forever(poll_interval=0.1)


def _download(port: int) -> None:
    """Download the file into the current folder; an error is a sentence and the status 2, as on the command line."""
    file = OfficialFile("data.bin", hashlib.sha256(DATA).hexdigest(), f"http://127.0.0.1:{port}/data.bin", len(DATA))
    downloading._TIMEOUT = SECONDS  # type: ignore[assignment]
    try:
        downloading.download(file, Path())
    except LissnasError as error:
        print(f"lissnas: {error}")
        sys.exit(2)


def _killed(operation: int, work: Callable[[], object]) -> None:
    """Download, and kill this process at an operation on files; their names are relative to the current folder."""
    at_file_operation(operation, kill_this_process, Path("data"))
    work()


def _left(place: Path) -> str:
    """Return what is wrong in the folder of a finished download."""
    names = {path.name for path in place.iterdir()} - {".data.lock"}
    if names != {"data.bin"}:
        return f"the folder has {', '.join(sorted(names))}"
    return "" if (place / "data.bin").read_bytes() == DATA else "the file has other bytes"


def downloads(folder: Path) -> Case:
    """Download from a server with a fault, then from one without."""
    fault, place, log = folder / "fault", folder / "place", folder / "log"
    fault.write_text("")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    start(partial(_serve, listening, fault, os.getpid()), folder / "server-log")
    work = partial(_download, port)

    def case(number: int) -> str:
        name, repetition = list(FAULTS)[number % len(FAULTS)], number // len(FAULTS)
        if place.exists():
            for path in place.iterdir():
                path.unlink()
        place.mkdir(exist_ok=True)
        where = f"the server's fault: {name}"
        if repetition % 2:  # a part of the file is there
            where += ", while a download continues"
            (place / "data.bin.part").write_bytes(DATA[:THIRD])
            origin = downloading._Origin(f"http://127.0.0.1:{port}/data.bin", '"one"', len(DATA))
            (place / "data.bin.part.json").write_bytes(downloading.msgspec.json.encode(origin))
        fault.write_text(name)
        if repetition < 2:
            ended = run(work, log, place)
        elif number % 3:
            operation = 1 + number % 7
            where += f", killed at operation {operation}"
            ended = run(partial(_killed, operation, work), log, place)
        else:
            moment = float(np.random.default_rng(number).uniform(0, 0.1))
            where += f", killed after {moment:.3f} s"
            ended = run_and_kill(work, moment, log, place)
        fault.write_text("")
        killed = repetition >= 2 and ended.status == STATUS_OF_KILL
        if not killed and (ended.status not in (0, 2) or "Traceback" in ended.output):
            return f"{where}: ended with status {ended.status}: {ended.output[-600:]}"
        if (place / "data.bin").exists() and (place / "data.bin").read_bytes() != DATA:
            return f"{where}: the file has other bytes"
        again = [run(work, log, place)]
        if again[0].status:
            again.append(run(work, log, place))
        if again[-1].status:
            return f"{where}: the next downloads ended with {[each.output[-300:] for each in again]}"
        wrong = _left(place)
        return f"{where}: {wrong}" if wrong else ""

    return case


CLAIMS: dict[str, Callable[[Path], Case]] = {
    f"a download survives {len(FAULTS)} faults of a server, and kill -9 in between": downloads
}
"""What is checked, by what it promises."""

if __name__ == "__main__":
    main(CLAIMS, count=4 * len(FAULTS))
