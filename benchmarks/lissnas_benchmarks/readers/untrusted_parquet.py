"""Scan Parquet files that may be damaged.

A damaged Parquet file can make Polars allocate exabytes, which ends the process. A file is therefore first read in a
separate process.
"""

import subprocess
import sys
from pathlib import Path

import polars as pl

from lissnas_benchmarks.errors import BenchmarkFileError

_TRIAL = """
import sys
import polars
from lissnas_benchmarks.readers.process_limits import process_limits
with process_limits(1 << 33, 120):
    frame = polars.scan_parquet(sys.argv[1], glob=False)
    rows = frame.select(polars.len()).collect().item()
    print(rows)
    if rows <= int(sys.argv[2]):
        frame.select(polars.all().null_count()).collect(engine="streaming")
"""

_MAX_ROWS = 50_000_000
"""Maximum number of rows: a file of equal values is small, and its columns may still fill the memory."""


def scan_untrusted_parquet(path: Path) -> pl.LazyFrame:
    """Return a lazy frame of a Parquet file at exactly this path.

    Raises BenchmarkFileError for a file with too many rows, or one that ends the process that reads it. Errors of
    Polars reach the caller.
    """
    command = [sys.executable, "-c", _TRIAL, str(path), str(_MAX_ROWS)]
    trial = subprocess.run(command, capture_output=True, check=False)
    if trial.stdout.strip().isdigit() and (rows := int(trial.stdout)) > _MAX_ROWS:
        raise BenchmarkFileError(
            f"{path}: it has {rows:,} rows, and at most {_MAX_ROWS:,} are read: save only the architectures you need"
        )
    if trial.returncode < 0:
        raise BenchmarkFileError(
            f"{path}: a damaged Parquet file: reading it ended the process (signal {-trial.returncode})"
        )
    return pl.scan_parquet(path, glob=False)
