"""Time of all quality measures of a subset of the 15,625 cells: an ablation computes them after every round."""

import time

import numpy as np
from lissnas.statistics.diversity import diversity
from lissnas.statistics.quality import quality
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table

RUNS = 50

table = load_table("analog-nasbench")
scores = table.values(find_adapter("analog-nasbench").reports, "cifar10")
rng = np.random.default_rng(0)


def milliseconds(run, *arguments) -> float:
    """Return the minimum processor time of several calls, which is free of the load of other programs."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        run(*arguments)
        times.append(1000 * (time.process_time() - started))
    return min(times)


for size in (50, 500, 3000, 15_625):
    subspace = ExplicitSubspace(table.space, rng.choice(table.space.size, size, replace=False))
    quality_time, diversity_time = milliseconds(quality, subspace, scores), milliseconds(diversity, subspace)
    print(f"{size:>6,} cells: quality {quality_time:.2f} ms, diversity of each gene {diversity_time:.2f} ms")
