"""NAS-Bench-101 at full size: canonical forms, neighbors, locality, and reading 1.27 million records.

The records are made up: the official format, all 423,624 cells, random values. Beside ours run the official hash, and a
loop over records in plain Python; both are run on a sample and scaled up.

    python nas_bench_101.py [GRAPH_UTIL]

GRAPH_UTIL is the official file nasbench/lib/graph_util.py, as the package nasbench-pytorch has it too; without it, the
hash is computed by the tests' own writing of its definition.
"""

import base64
import importlib.util
import json
import resource
import runpy
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.graph_codes import EDGES, INNER, canonical, pack
from lissnas.spaces.published.nasbench101 import OPERATIONS, nasbench101
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.nas_bench_101 import ADAPTER
from lissnas_benchmarks.readers.tfrecord import masked_crc32c

HASHED = 2_000
LOOPED = 20_000
BATCH = 50_000

official: Any = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "benchmarks/nas_bench_101_official.py"))
)


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak() -> str:
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"


def official_hash() -> Callable[[str], str]:
    if len(sys.argv) < 2:
        return official.cell_hash
    spec = importlib.util.spec_from_file_location("graph_util", sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def hash_of(cell: str) -> str:
        adjacency, operations = cell.split(" ")
        names = operations.split(",")
        matrix = np.array(list(adjacency), dtype=np.int64).reshape(len(names), -1)
        return module.hash_module(matrix, [-1, *map(OPERATIONS.index, names[1:-1]), -2])

    return hash_of


def in_another_numbering(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange two inner vertices next to each other wherever no edge joins them."""
    rows = rows.copy()
    for vertex in rng.permutation(INNER[:-1]).tolist():
        free = np.flatnonzero(rows[:, len(INNER) + EDGES.index((vertex, vertex + 1))] == 0)
        swap = {vertex: vertex + 1, vertex + 1: vertex}
        genes = [swap.get(inner, inner) - 1 for inner in INNER]
        moved = [tuple(swap.get(end, end) for end in edge) for edge in EDGES]
        genes += [len(INNER) + EDGES.index(edge if edge in EDGES else edge[::-1]) for edge in moved]
        rows[free] = rows[free][:, genes]
    return rows


def payloads(cells: list[str], rng: np.random.Generator) -> Iterator[bytes]:
    parameters = rng.integers(230_000, 50_000_000, len(cells)).tolist()
    for _repeat in range(3):
        shares = rng.uniform(0.1, 1, (len(cells), 3, 3)).tolist()
        times = rng.uniform(300, 6000, len(cells)).tolist()
        for place, cell in enumerate(cells):
            evaluations = [(54.0 * part, times[place] * part / 2, *shares[place][part]) for part in range(3)]
            metrics = official.model_metrics(evaluations, parameters[place], 1.3 * times[place])
            yield official.record(f"{place:032x}", 108, cell, metrics)


def write(path: Path, cells: list[str]) -> None:
    """Write the frames with our own checksums, 50,000 at a time: the tests' plain ones would take half an hour."""
    records = payloads(cells, np.random.default_rng(0))
    with path.open("wb") as file:
        while batch := list(islice(records, BATCH)):
            frames: list[bytes] = [b""] * len(batch)
            lengths = np.array(list(map(len, batch)))
            for length in np.unique(lengths).tolist():
                same = np.flatnonzero(lengths == length).tolist()
                header = struct.pack("<Q", length)
                header += masked_crc32c(np.frombuffer(header, dtype=np.uint8)[None]).tobytes()
                data = np.frombuffer(b"".join(batch[place] for place in same), dtype=np.uint8).reshape(-1, length)
                for place, checksum in zip(same, masked_crc32c(data), strict=True):
                    frames[place] = header + batch[place] + checksum.tobytes()
            file.write(b"".join(frames))


def loop(path: Path, count: int) -> None:
    """Read records as the official package does, but for TensorFlow: without checksums, and metrics by hand."""
    statistics: dict[str, list[tuple[float, ...]]] = {}
    with path.open("rb") as file:
        for _ in range(count):
            length = int.from_bytes(file.read(12)[:8], "little")
            code, _epochs, adjacency, operations, metrics = json.loads(file.read(length + 4)[:-4])
            matrix = np.array([int(digit) for digit in adjacency], dtype=np.int8)
            matrix.reshape(int(np.sqrt(len(adjacency))), -1)
            operations.split(",")
            data = base64.b64decode(metrics)
            numbers = []
            for evaluation in (1, 2):
                start = 47 * evaluation + 2
                numbers += [struct.unpack_from("<d", data, start + 9 * place + 1)[0] for place in range(5)]
            statistics.setdefault(code, []).append(tuple(numbers))


space = nasbench101()
cells = space.write(space.all_rows())
count = len(cells)

rows = in_another_numbering(space.all_rows(), np.random.default_rng(0))
codes = pack(rows)
canonical(codes[:1000])
ours = seconds(lambda: canonical(codes))
assert np.array_equal(np.sort(canonical(codes)), pack(space.all_rows()))
hash_of = official_hash()
sample = np.random.default_rng(0).choice(count, HASHED, replace=False).tolist()
theirs = seconds(lambda: [hash_of(cells[place]) for place in sample]) * count / HASHED
print(f"canonical forms of {count:,} cells: {ours:.2f} s")
print(f"official hashes: {theirs:.0f} s, scaled up from {HASHED:,}: {theirs / ours:.0f} times as long")

graph = seconds(lambda: space.graph)
print(f"neighbors of all cells ({len(space.graph.targets) // 2:,} pairs): {graph:.1f} s, {peak()}")

scores = np.random.default_rng(1).normal(90, 2, count).round(2)


def every_near_measure() -> None:
    pair_locality(space, scores, largest_distance=2)
    landscape = Landscape(space, scores)
    walk_autocorrelation(landscape)
    landscape.local_optima()
    landscape.global_reach()
    fitness_distance_correlation(space, scores)


print(f"locality of all cells, pairs up to 2 edits: {seconds(every_near_measure):.1f} s, {peak()}")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "records.tfrecord"
    write(path, cells)
    reading = seconds(lambda: ADAPTER.read(Import((path,), Path(folder))))
    looping = seconds(lambda: loop(path, LOOPED)) * 3 * count / LOOPED
    print(f"{3 * count:,} records, {path.stat().st_size / 2**20:.0f} MiB: {reading:.1f} s, {peak()}")
    print(f"a plain loop, unchecked: {looping:.0f} s, scaled up from {LOOPED:,}: {looping / reading:.1f} times as long")
