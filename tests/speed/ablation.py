"""Rows of an ablation of LISSNAS on the 15,625-cell table: processor seconds a row, and wall time on all cores.

The processor time does not depend on what else the machine is doing; the wall time does. `--rows 10000`.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from lissnas_analyses.ablation.measure import ablate, measured_rows
from lissnas_analyses.grid.grid import cells
from lissnas_analyses.grid.workers import BenchmarkKey, workers

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, default=10_000)
arguments = parser.parse_args()


def milliseconds(name: BenchmarkKey, tau: float) -> float:
    job = [(cells(("lissnas",), {}, (tau,))[0], run) for run in range(100)]
    measured_rows(name, 0, job[:2])
    started = time.process_time()
    measured_rows(name, 0, job)
    return 1000 * (time.process_time() - started) / len(job)


def main() -> None:
    name = BenchmarkKey.known_here("analog-nasbench")
    for tau in (1.0, 0.5):
        print(f"{milliseconds(name, tau):.2f} ms of one core a row at a tau of {tau:g}", flush=True)
    before = time.process_time()
    with tempfile.TemporaryDirectory() as folder, workers() as all_cores:
        started = time.monotonic()
        ablate(name, cells(("lissnas",), {}), arguments.rows, 0, Path(folder) / "ablation.parquet", all_cores)
        seconds = time.monotonic() - started
    print(f"{arguments.rows:,} rows in {seconds:.0f} s with {all_cores.count} workers, their start included")
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(usage.ru_utime + usage.ru_stime for usage in used) - before
    print(f"{spent:.0f} s of processors in all, {1000 * spent / arguments.rows:.2f} ms a row")


if __name__ == "__main__":
    main()
