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
    polars.scan_parquet(sys.argv[1], glob=False).select(polars.all().null_count()).collect(engine="streaming")
"""


def scan_untrusted_parquet(path: Path) -> pl.LazyFrame:
    """Return a lazy frame of a Parquet file at exactly this path.

    Raises BenchmarkFileError for a file that ends the process that reads it. Errors of Polars reach the caller.
    """
    trial = subprocess.run([sys.executable, "-c", _TRIAL, str(path)], capture_output=True, check=False)
    if trial.returncode < 0:
        raise BenchmarkFileError(
            f"{path}: a damaged Parquet file: reading it ended the process (signal {-trial.returncode})"
        )
    return pl.scan_parquet(path, glob=False)
