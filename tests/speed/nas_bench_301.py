"""NAS-Bench-301: 100,000 predictions in a batch, against the official package's own predictions of the same models.

    python tests/speed/nas_bench_301.py OFFICIAL_PYTHON MODELS

OFFICIAL_PYTHON is the interpreter of an environment with the official package, MODELS a model folder, its own or one
that tests/benchmarks/nas_bench_301_official.py trained; docs/benchmarks/nas-bench-301.md says how to get both.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_surrogate
from lissnas_benchmarks.obtaining.importing import import_files

BATCH = 100_000
RUNS = 3

official_python, models = sys.argv[1:]
program = Path(__file__).parents[1] / "benchmarks" / "nas_bench_301_official.py"
printed = [
    subprocess.run([official_python, program, "time", models], capture_output=True, text=True, check=True).stdout
    for _ in range(RUNS)
]
official = sorted(float(lines.split()[-1]) for lines in printed)[RUNS // 2]

with tempfile.TemporaryDirectory() as cache:
    os.environ["LISSNAS_CACHE"] = cache
    import_files(find_adapter("nas-bench-301"), (Path(models),))
    started = time.perf_counter()
    evaluator = load_surrogate("nas-bench-301")
    opened = time.perf_counter() - started
rows = evaluator.space.sample(BATCH, np.random.default_rng(0))
evaluator(rows[:100])
times = []
for _ in range(RUNS):
    started = time.perf_counter()
    evaluator(rows)
    times.append((time.perf_counter() - started) / BATCH)
ours = sorted(times)[RUNS // 2]

print(f"opened {evaluator.members['accuracy']} + {evaluator.members['runtime']} models in {opened:.2f} s")
print(f"official predict: {1e6 * official:9.1f} us an architecture")
print(f"in a batch:       {1e6 * ours:9.1f} us an architecture")
print(f"{official / ours:.0f} times faster")
