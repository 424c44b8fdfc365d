"""Writes files in the official format of NAS-Bench-101, record by record, as its authors' programs do."""

import base64
import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

Evaluation = Sequence[float]
"""Epoch, training time, then train, validation and test accuracy."""


_CRC = list(range(256))
for _ in range(8):
    _CRC = [crc >> 1 ^ (0x82F63B78 if crc & 1 else 0) for crc in _CRC]


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes, byte by byte."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> bytes:
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + masked(crc32c(length)) + payload + masked(crc32c(payload))


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def evaluation_data(evaluation: Evaluation) -> bytes:
    return b"".join(bytes([number << 3 | 1]) + struct.pack("<d", value) for number, value in enumerate(evaluation, 1))


def model_metrics(evaluations: Iterable[Evaluation], parameters: int, total_time: float) -> bytes:
    data = b"".join(b"\x0a" + _varint(len(one)) + one for one in map(evaluation_data, evaluations))
    return data + b"\x10" + _varint(parameters) + b"\x19" + struct.pack("<d", total_time)


def record(code: str, epochs: int, cell: str, metrics: bytes) -> bytes:
    """Return a record's payload; a cell is its matrix and its operations with a space between them."""
    adjacency, operations = cell.split(" ")
    # base64.encodestring, as the authors used it, breaks lines.
    return json.dumps([code, epochs, adjacency, operations, base64.encodebytes(metrics).decode()]).encode()


def cell_hash(cell: str) -> str:
    """Return the official hash of a pruned cell, as its authors' graph_util.hash_module defines it."""
    adjacency, operations = cell.split(" ")
    names = operations.split(",")
    labels = [-1, *({"conv3x3-bn-relu": 0, "conv1x1-bn-relu": 1, "maxpool3x3": 2}[name] for name in names[1:-1]), -2]
    size = len(names)
    edge = [[digit == "1" for digit in adjacency[row * size : (row + 1) * size]] for row in range(size)]
    vertices = range(size)
    hashes = [_md5(str((sum(edge[v]), sum(edge[w][v] for w in vertices), labels[v]))) for v in vertices]
    for _ in vertices:
        hashes = [
            _md5(
                "".join(sorted(hashes[w] for w in vertices if edge[w][v]))
                + "|"
                + "".join(sorted(hashes[w] for w in vertices if edge[v][w]))
                + "|"
                + hashes[v]
            )
            for v in vertices
        ]
    return _md5(str(sorted(hashes)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def write(path: Path, payloads: Iterable[bytes]) -> None:
    path.write_bytes(b"".join(map(frame, payloads)))


def positions(data: bytes) -> Iterator[int]:
    """Yield where each frame of a file starts."""
    place = 0
    while place < len(data):
        yield place
        place += 16 + int.from_bytes(data[place : place + 8], "little")
