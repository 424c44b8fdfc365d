"""Time of all exact locality measures of the 15,625-cell space, compared with a plain loop over architectures.

The loop computes only the measures over pairs, in plain Python, for a few architectures; its time is scaled up.
"""

import time

from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.statistics.quality import is_top
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table

SOURCES = 25
RUNS = 5

table = load_table("analog-nasbench")
scores = table.values(find_adapter("analog-nasbench").reports, "cifar10")
space = table.space


def every_measure() -> None:
    pair_locality(space, scores)
    landscape = Landscape(space, scores)
    walk_autocorrelation(landscape)
    fitness_distance_correlation(space, scores)
    landscape.local_optima()
    landscape.global_reach()


def loop(sources: int) -> None:
    rows, values = space.all_rows().tolist(), scores.tolist()
    best = [is_top(scores, share).tolist() for share in (0.01, 0.05, 0.10)]
    pairs = [0] * 7
    difference, product = [0.0] * 7, [0.0] * 7
    hits = [[0] * 7 for _ in best]
    for a in range(0, len(rows), len(rows) // sources):
        for b in range(len(rows)):
            distance = sum(x != y for x, y in zip(rows[a], rows[b], strict=True))
            pairs[distance] += 1
            difference[distance] += abs(values[a] - values[b])
            product[distance] += values[a] * values[b]
            for share, marked in enumerate(best):
                hits[share][distance] += marked[a] and marked[b]


def seconds(run, *arguments) -> float:
    started = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - started


every_measure()
exact = sorted(seconds(every_measure) for _ in range(RUNS))[RUNS // 2]
scaled = seconds(loop, SOURCES) * space.size / SOURCES
print(f"all exact measures:  {exact:.2f} s")
print(f"plain loop, pairs:   {scaled:.0f} s, scaled up from {SOURCES} of {space.size:,} architectures")
print(f"{scaled / exact:.0f} times faster")
