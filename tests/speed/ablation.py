"""Time of the rows of an ablation of LISSNAS on the 15,625-cell table, in processor time and in wall time.

Processor time does not depend on other programs; wall time, on all cores, does. Option: `--rows 10000`.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from lissnas_analyses.ablation.grid_points import grid_points
from lissnas_analyses.ablation.measure import ablate, ablation_rows
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.workers import workers
from lissnas_benchmarks.benchmark import open_benchmark

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, default=10_000)
arguments = parser.parse_args()


def milliseconds(key: BenchmarkKey, tau: float) -> float:
    chunk = [(grid_points(("lissnas",), {}, (tau,))[0], run) for run in range(100)]
    ablation_rows(key, 0, chunk[:2])
    started = time.process_time()
    ablation_rows(key, 0, chunk)
    return 1000 * (time.process_time() - started) / len(chunk)


def main() -> None:
    benchmark = open_benchmark("analog-nasbench")
    key = BenchmarkKey.of(benchmark)
    for tau in (1.0, 0.5):
        print(f"{milliseconds(key, tau):.2f} ms of one core per row at tau {tau:g}", flush=True)
    before = time.process_time()
    with tempfile.TemporaryDirectory() as folder, workers() as all_cores:
        started = time.monotonic()
        points = grid_points(("lissnas",), {})
        path = Path(folder) / "ablation.parquet"
        ablate(benchmark, points, arguments.rows, 0, path=path, workers=all_cores)
        seconds = time.monotonic() - started
    print(f"{arguments.rows:,} rows in {seconds:.0f} s with {all_cores.count} workers, including their start")
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(usage.ru_utime + usage.ru_stime for usage in used) - before
    print(f"{spent:.0f} s of processor time in all, {1000 * spent / arguments.rows:.2f} ms per row")


if __name__ == "__main__":
    main()
