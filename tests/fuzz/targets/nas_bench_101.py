"""NAS-Bench-101: records of all cells of three vertices, and the metrics in them."""

import base64
import json
from pathlib import Path
from typing import Any

import mutations
import nas_bench_101_official as official
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.adapters.nas_bench_101 import nas_bench_101_adapter
from lissnas_benchmarks.readers.model_metrics import read_metrics

from targets.target import Target, imported

_CELLS = nasbench101(3)


def _records() -> list[bytes]:
    start, half, end = (0.0, 0.0, 0.1, 0.1, 0.1), (2.0, 1.5, 0.4, 0.4, 0.4), (4.0, 3.0, 0.8, 0.8, 0.8)
    runs = [official.model_metrics((start, half, (*end[:-1], 0.8 + 0.01 * run)), 1000, 4.0) for run in range(3)]
    cells = _CELLS.write(_CELLS.all_rows())
    return [
        b"\n".join(
            official.record(f"{place:032x}", 4, cell, metrics) for place, cell in enumerate(cells) for metrics in runs
        )
    ]


def _framed(data: bytes) -> bytes:
    return b"".join(map(official.frame, data.split(b"\n")))


_CELLS_ADAPTER = nas_bench_101_adapter("cells", OfficialFile("cells.tfrecord"), (4,), 3)


def _read_metrics(path: Path) -> object:
    """Read messages, one line of base 64 each; the only caller expects ValueError."""
    messages = []
    for line in path.read_bytes().split(b"\n"):
        try:
            messages.append(base64.b64decode(line))
        except ValueError:
            messages.append(line)
    try:
        numbers = read_metrics(messages)
    except ValueError:
        return "refused"
    assert numbers.shape == (len(messages), 16)
    return "read"


def _messages() -> list[bytes]:
    records = [json.loads(line)[4].encode() for line in _records()[0].split(b"\n")]
    return [b"\n".join(base64.b64encode(base64.decodebytes(record)) for record in records[:2])]


def _mutate_messages(data: bytes, rng: Any) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    try:
        lines[place] = base64.b64encode(mutations.octets(base64.b64decode(lines[place]), rng))
    except ValueError:
        return mutations.octets(data, rng)
    return b"\n".join(lines)


TARGETS = (
    Target("NAS-Bench-101 tfrecord", _records, imported(_CELLS_ADAPTER.read), mutations.records, _framed, share=0.2),
    Target("NAS-Bench-101 metrics", _messages, _read_metrics, _mutate_messages),
)
