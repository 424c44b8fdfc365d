"""No change of a reader changes what a file reads as: a checksum over all values of every file that is at hand.

A checksum may change only with a commit that says which values were wrong. Adapters whose official files are not here
have theirs in their own tests, over files in the official layout; the values of surrogates are compared with recorded
predictions.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import nas_bench_201_official as official
import pytest
from column_checksums import checksum_of, checksum_of_pairs
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters.accel_nasbench import ADAPTER as ACCEL
from lissnas_benchmarks.adapters.nats_bench import SIZE_SPACE, TOPOLOGY_SPACE, ArchitectureFolder, NatsSpace
from lissnas_benchmarks.table import Table
from small_nas_bench_201 import STRINGS, imported

COSTS = {"parameters", "flops"}
"""Metrics that NAS-Bench-201 and NATS-Bench state wrongly for some cells; the tests of their adapters check them."""


@pytest.mark.parametrize(
    ("name", "checksum"),
    [
        ("analog-nasbench", 3249228627),
        ("channel-bench-macro", 1404663608),
        ("digits-cells", 3100172944),
        ("fashion-cells", 772529683),
        ("nas-bench-graph", 3656432682),
        ("nas-bench-graph-proteins", 2835880163),
        ("nas-bench-macro", 274925818),
    ],
)
def test_a_table_reads_as_before(name: str, checksum: int, open_table: Callable[[str], Table]) -> None:
    provenance = open_table(name).provenance
    assert checksum_of_pairs(zip(provenance.columns, provenance.checksums, strict=True)) == checksum


def test_the_layout_of_nas_bench_201_reads_as_before(tmp_path: Path) -> None:
    content = official.official(STRINGS, range(64))
    provenance = imported(official.legacy(official.pickled(content)), tmp_path).provenance
    measured = zip(provenance.columns, provenance.checksums, strict=True)
    assert checksum_of_pairs(pair for pair in measured if pair[0].metric not in COSTS) == 3740062139
    assert zlib.crc32(repr(sorted(provenance.curves.items())).encode()) == 937853456


def test_the_real_table_of_accel_nasbench_reads_as_before(shared_data: Path) -> None:
    columns = ACCEL.read(Import((shared_data / "accel_nasbench_imagenet.parquet",), shared_data))
    assert checksum_of(columns) == 3051892383


@pytest.mark.parametrize(
    ("nats_space", "checksum"), [(TOPOLOGY_SPACE, 2586426603), (SIZE_SPACE, 3251718794)], ids=["topology", "size"]
)
def test_the_real_records_of_nats_bench_read_as_before(
    nats_space: NatsSpace, checksum: int, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "nats_real" / f"{nats_space.file}-simple"
    folder = ArchitectureFolder(path, nats_space, Import((path,), tmp_path))
    for index in (0, 11, 284):
        folder.read(index)
    columns = folder.runs.columns()
    measured = {column: values for column, values in columns.items() if column.metric not in COSTS}
    assert checksum_of(measured) == checksum
