"""Time of LISSNAS on the 15,625-cell table, compared with the same method in plain Python on tuples and a dict.

Then the time of 1,000 seeds, and the time that the method itself adds to 10,000 evaluations in a space of 7^21
architectures. The latter is processor time of one thread, which equals wall time on an idle machine.
"""

import random
import statistics
import time

import numpy as np
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import load_table

RUNS = 50
SEEDS = 1000

table = load_table("analog-nasbench")
scores = table.values(find_adapter("analog-nasbench").reports, "cifar10")
space = table.space
shrinker = Lissnas()
by_cell = dict(zip(map(tuple, space.all_rows().tolist()), scores.tolist(), strict=True))


def batches(seed: int) -> None:
    shrink(space, TableEvaluator(space, scores), shrinker, np.random.default_rng(seed))


def one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    scored: dict[tuple[int, ...], float] = {}

    def sample_mean(cells: list[tuple[int, ...]]) -> tuple[float, float]:
        drawn = rng.sample(cells, min(shrinker.sample_size, len(cells)))
        values = [scored.setdefault(cell, by_cell[cell]) for cell in drawn]
        return statistics.fmean(values), statistics.variance(values) / len(values) * (1 - len(values) / len(cells))

    before = sample_mean(list(by_cell))
    for _ in range(shrinker.max_rounds):
        seeds = sorted(scored, key=scored.__getitem__, reverse=True)[: shrinker.seeds]
        kept = {(*cell[:gene], choice, *cell[gene + 1 :]) for cell in seeds for gene in range(6) for choice in range(5)}
        after = sample_mean(sorted(kept))
        if after[0] <= before[0] + (before[1] + after[1]) ** 0.5:
            break
        before = after


def milliseconds(run) -> float:
    times = []
    for seed in range(RUNS):
        started = time.perf_counter()
        run(seed)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


batches(0)
fast, slow = milliseconds(batches), milliseconds(one_by_one)
print(f"batches of rows:  {fast:.2f} ms a run")
print(f"one at a time:    {slow:.2f} ms a run")
print(f"{slow / fast:.1f} times faster")

started, busy = time.perf_counter(), time.process_time()
for seed in range(SEEDS):
    batches(seed)
busy, wall = time.process_time() - busy, time.perf_counter() - started
print(f"{SEEDS:,} seeds:      {busy:.2f} s of processor time, {wall:.2f} s of wall time")

huge = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)
weights = np.random.default_rng(0).normal(size=(21, 7))


class Timed:
    """An evaluator that costs almost nothing, and measures the time that it takes."""

    seconds = 0.0

    def __call__(self, rows):
        started = time.process_time()
        scores = weights[np.arange(21), rows].sum(axis=1)
        self.seconds += time.process_time() - started
        return scores


for settings in (
    {"radius": 1},
    {"radius": 2},
    {"radius": 2, "seeds": 100},
    {"radius": "measured", "spread": "distance"},
):
    evaluator = Timed()
    started = time.process_time()
    many_rounds = Lissnas(**settings, stop="rounds", max_rounds=34)
    trace = shrink(huge, evaluator, many_rounds, np.random.default_rng(0))
    overhead = time.process_time() - started - evaluator.seconds
    print(
        f"7^21, {settings}: {overhead:.2f} s for {trace.evaluations.count:,} evaluations, {trace.subspace.size:,} kept"
    )

for count in (10_000, 20_000, 40_000):
    evaluations = Evaluations(huge, lambda rows: np.zeros(len(rows)))
    rows = huge.sample(count, np.random.default_rng(0))
    started = time.process_time()
    for row in rows:
        evaluations(row[None])
    print(f"{count:,} evaluations one by one: {1e6 * (time.process_time() - started) / count:.0f} us each")
