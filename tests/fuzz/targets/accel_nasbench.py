"""Accel-NASBench in its three forms, and archives of small files, of which one is an archive."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import mutations
import polars as pl
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters import accel_nasbench
from lissnas_benchmarks.readers.archive_reader import read_archive

from targets.target import Target, imported
from targets.user_tables import POLARS, csv, parquets


def _results() -> list[bytes]:
    choices = accel_nasbench.accel_mnasnet().operations
    architecture: dict[str, Any] = {
        name: bool(int(names[0])) if name.endswith("se") else int(names[0])
        for name, names in zip(accel_nasbench._GENES, choices, strict=True)
    }
    metrics = {"val_top1": 70.5, "val_top5": 90.5, "train_time": 1000.0, "macs": 300, "params": 4}
    performance = {name: {f"{name.split('_')[0]}_mean": 5.5} for name in accel_nasbench._COSTS if "_" in name}
    result = {"architecture": architecture, "metrics": metrics, "platform_perf": performance}
    return [json.dumps(result).encode() + b"\n" + json.dumps(result | {"platform_perf": {}}).encode()]


def _small_tar(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for number, text in enumerate(data.split(b"\n"), 1):
            entry = tarfile.TarInfo(f"json/result_{number}.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return target.getvalue()


def _small_zip(data: bytes, kind: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", kind) as archive:
        for number, text in enumerate(data.split(b"\n"), 1):
            archive.writestr(f"json/result_{number}.json", text)
    return target.getvalue()


def _archives() -> list[bytes]:
    [results] = _results()
    text = results[:300]
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    tar = _small_tar(text)
    pax = io.BytesIO()
    with tarfile.open(fileobj=pax, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("json/ü" + "x" * 120 + "/result_1.json")
        entry.size, entry.pax_headers = 3, {"GNU.sparse.map": "0,3", "comment": "x"}
        archive.addfile(entry, io.BytesIO(b"{}\n"))
    gnu = io.BytesIO()
    with tarfile.open(fileobj=gnu, mode="w", format=tarfile.GNU_FORMAT) as archive:
        entry = tarfile.TarInfo("json/" + "x" * 120 + "/result_1.json")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"{}\n"))
    tars = [tar, pax.getvalue(), gnu.getvalue()]
    packed = [pack(tar) for pack in (gzip.compress, bz2.compress, lzma.compress)]
    return [*tars, *packed, *(_small_zip(text, kind) for kind in kinds)]


def _read_archive(path: Path) -> object:
    count = 0
    for name, data in read_archive(path, r"result_\d+\.json"):
        assert "/" not in name
        assert len(data) <= 1 << 16
        count += 1
    return min(count, 3)


def _accel_frame() -> pl.DataFrame:
    rows = []
    for line in _results()[0].split(b"\n"):
        result = json.loads(line)
        costs = {name: of.get(f"{name.split('_')[0]}_mean") for name, of in result["platform_perf"].items()}
        rows.append({**result["architecture"], **result["metrics"], **costs})
    return pl.DataFrame(rows)


def _read_accel(path: Path) -> object:
    index = accel_nasbench.ADAPTER.index
    assert index is not None
    index(Import((path,), path.parent))
    return imported(accel_nasbench.ADAPTER.read)(path)


TARGETS = (
    Target(
        "Accel-NASBench JSON archive",
        _results,
        _read_accel,
        mutations.json_texts,
        lambda data: gzip.compress(_small_tar(data), 1),
        ".gz",
    ),
    Target("archives of small files", _archives, _read_archive, mutations.octets),
    Target("Accel-NASBench CSV", lambda: csv(_accel_frame()), _read_accel, mutations.lines, suffix=".csv"),
    Target(
        "Accel-NASBench Parquet",
        lambda: parquets(_accel_frame()),
        _read_accel,
        mutations.parquets,
        suffix=".parquet",
        share=0.05,
        space=POLARS,
    ),
)
