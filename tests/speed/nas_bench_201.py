"""NAS-Bench-201: importing a file of N cells, opening the table, and asking it, beside the official program.

    python tests/speed/nas_bench_201.py 1000
    python tests/speed/nas_bench_201.py 1000 PYTHON     PYTHON has nas-bench-201 and torch: the official program too
    python tests/speed/nas_bench_201.py 15625           5 GB on the disk; more than the official program can open

The file is drawn, in the official layout. Each figure comes from a fresh process; of opening the table, the
median of seven. The official program's torch.load is replaced by C unpickling with a closed list, which is the fastest
way to open the file today.
"""

import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from lissnas.spaces.published.cell201 import cell201

OFFICIAL = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "nas_bench_201_official.py"))

LIBRARIES = """
def peak():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
libraries = peak()
"""
PEAK = """
print("peak", peak())
print("own", peak() - libraries)
"""
"""The peak of this process: that of getrusage may be its parent's."""

IMPORT = """
import os, sys, time
os.environ["LISSNAS_CACHE"] = sys.argv[2]
from dataclasses import replace
from pathlib import Path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import ADAPTER, read_runs
LIBRARIES
started, spent = time.perf_counter(), time.process_time()
any_part = replace(ADAPTER, read=lambda source: read_runs(source.files[0], source, ADAPTER.space()).columns())
import_files(any_part, (Path(sys.argv[1]),))
print("seconds", time.perf_counter() - started)
print("processor", time.process_time() - spent)
"""

OPEN = """
import os, sys, time
os.environ["LISSNAS_CACHE"] = sys.argv[2]
import numpy, polars
from lissnas_benchmarks.loading import load_table
from lissnas_benchmarks.columns import Measure
LIBRARIES
started = time.perf_counter()
table = load_table("nas-bench-201")
table.values(Measure("accuracy", "test", epochs=200), "cifar10")
print("seconds", time.perf_counter() - started)
started = time.perf_counter()
for split in ("train", "validation", "test"):
    table.values(Measure("accuracy", split, epochs=200), "cifar100")
print("query", (time.perf_counter() - started) / table.space.size)
"""

PROGRAM = """
import pickle, sys, time
import numpy, torch
from collections import OrderedDict
from nas_201_api import NASBench201API
LIBRARIES
known = {
    ("collections", "OrderedDict"): OrderedDict, ("_codecs", "encode"): __import__("_codecs").encode,
    ("builtins", "set"): set, ("__builtin__", "set"): set, ("numpy", "dtype"): numpy.dtype,
    ("numpy.core.multiarray", "scalar"): numpy._core.multiarray.scalar,
}
class Closed(pickle.Unpickler):
    def find_class(self, module, name):
        return known[module, name]
def load(path, **options):
    with open(path, "rb") as file:
        for _ in range(3):
            Closed(file).load()
        return Closed(file).load()
torch.load = load
started = time.perf_counter()
program = NASBench201API(sys.argv[1], verbose=False)
print("seconds", time.perf_counter() - started)
started = time.perf_counter()
for index in range(100):
    program.get_more_info(index, "cifar100", hp="200", is_random=False)
print("query", (time.perf_counter() - started) / 100)
"""


def measure(python: str, program: str, *arguments: str) -> dict[str, float]:
    """Run a program that prints names and figures, with its modules compiled before, as installed ones are."""
    program = program.replace("LIBRARIES", LIBRARIES) + PEAK
    environment = {name: of for name, of in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
    command = [python, "-c", program, *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {name: float(figure) for name, figure in (line.split() for line in run.stdout.splitlines())}


def report(name: str, figures: dict[str, float]) -> None:
    """Print how long opening and a query took, and the memory."""
    print(f"{name} opens in {1000 * figures['seconds']:,.1f} ms", end="; ")
    print(f"peak {figures['peak']:,.0f} MB, of which the libraries take all but {figures['own']:,.1f}", end="; ")
    print(f"three means of a cell take {1e6 * figures['query']:.2f} us")


count = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "NAS-Bench-201-v1_1-096897.pth"
    with file.open("wb") as target:
        OFFICIAL["write_large"](target, OFFICIAL["shuffled_strings"](cell201()), count)
    print(f"{count:,} cells, {file.stat().st_size / 1e6:,.0f} MB")
    once = measure(sys.executable, IMPORT, str(file), folder)
    print(f"import, once: {once['seconds']:.1f} s ({once['processor']:.1f} s of one core), peak {once['peak']:,.0f} MB")
    runs = [measure(sys.executable, OPEN, str(file), folder) for _ in range(8)][1:]
    ours = {name: median(run[name] for run in runs) for name in runs[0]}
    report("the table", ours)
    if len(sys.argv) > 2:
        theirs = measure(sys.argv[2], PROGRAM, str(file))
        report("the official program", theirs)
        print(f"the table opens {theirs['seconds'] / ours['seconds']:.0f} times faster", end=", ")
        print(f"in {theirs['own'] / ours['own']:.0f} times less memory beside the libraries' own", end=", ")
        print(f"and answers a batch of all {theirs['query'] / ours['query']:.0f} times faster")
