"""Opening the accuracies of the NAS-Bench-201 cells: the cached table beside the package's own pickle.

Each is measured in a fresh process: seconds after the imports, and peak memory over the bare interpreter.
"""

import subprocess
import sys

PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
TABLE = """
import time
import numpy, polars
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table
started = time.perf_counter()
table = load_table("analog-nasbench")
accuracies = table.values(find_adapter("analog-nasbench").reports, "cifar10")
print(1000 * (time.perf_counter() - started))
"""
PICKLE = """
import time
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.adapters.cells201.analog_nasbench import _RECORDS
from lissnas_benchmarks.readers.pickles.safe_pickle import load_pickle
started = time.perf_counter()
path, = find_adapter("analog-nasbench").installed_files()
cells = load_pickle(path.read_bytes(), path.name, _RECORDS)
accuracies = [cell.baseline_accuracy for cell in cells.values()]
print(1000 * (time.perf_counter() - started))
"""
RUNS = 7


def median(program: str) -> list[float]:
    """Run a program that prints some figures, and return the median of each."""
    printed = [
        [
            float(line)
            for line in subprocess.run(
                [sys.executable, "-c", program], capture_output=True, text=True, check=True
            ).stdout.split()
        ]
        for _ in range(RUNS)
    ]
    return [sorted(figures)[RUNS // 2] for figures in zip(*printed, strict=True)]


median(TABLE)
(bare,) = median(PEAK)
table_ms, table_peak = median(TABLE + PEAK)
pickle_ms, pickle_peak = median(PICKLE + PEAK)
print(f"cached table:     {table_ms:6.1f} ms, {table_peak - bare:6.1f} MB over the bare interpreter")
print(f"package's pickle: {pickle_ms:6.1f} ms, {pickle_peak - bare:6.1f} MB over the bare interpreter")
print(f"the table opens {pickle_ms / table_ms:.0f} times faster")
