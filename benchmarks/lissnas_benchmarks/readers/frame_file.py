"""Parquet and CSV files that nobody vouches for.

A damaged Parquet file can make Polars ask for exabytes and end the process: such a file is first gone through in a
process of its own.
"""

import subprocess
import sys
from pathlib import Path

import polars as pl

from lissnas_benchmarks.errors import BenchmarkFileError

_TRIAL = """
import sys
import polars
from lissnas_benchmarks.surrogates.process_limits import process_limits
with process_limits(1 << 33, 120):
    polars.scan_parquet(sys.argv[1]).select(polars.all().null_count()).collect(engine="streaming")
"""


def scan_frame(path: Path) -> pl.LazyFrame:
    """Return a .csv or .parquet file, unread.

    Raises BenchmarkFileError for a Parquet file that ends the process that reads it; what Polars raises of itself is
    left to the caller.
    """
    if path.suffix == ".csv":
        return pl.scan_csv(path)
    tried = subprocess.run([sys.executable, "-c", _TRIAL, str(path)], capture_output=True, check=False)
    if tried.returncode < 0:
        raise BenchmarkFileError(
            f"{path}: a damaged Parquet file: reading it ended the process that tried (signal {-tried.returncode})"
        )
    return pl.scan_parquet(path)
