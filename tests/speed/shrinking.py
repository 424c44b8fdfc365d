"""One LISSNAS run on the 15,625-cell table, beside the same method in plain Python on tuples and a dict."""

import random
import statistics
import time

import numpy as np
from lissnas.evaluate import TableEvaluator
from lissnas.shrink import shrink
from lissnas.shrink.lissnas import LissnasSettings
from lissnas_benchmarks import catalog

RUNS = 50

table = catalog.load("analog-nasbench")
scores = table.values(catalog.find("analog-nasbench").reports, "cifar10")
space = table.space
settings = LissnasSettings()
by_cell = dict(zip(map(tuple, space.all_rows().tolist()), scores.tolist(), strict=True))


def batches(seed: int) -> None:
    shrink(space, TableEvaluator(space, scores), settings, np.random.default_rng(seed))


def one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    seen: dict[tuple[int, ...], float] = {}

    def sampled(cells: list[tuple[int, ...]]) -> tuple[float, float]:
        drawn = rng.sample(cells, min(settings.sample_size, len(cells)))
        values = [seen.setdefault(cell, by_cell[cell]) for cell in drawn]
        return statistics.fmean(values), statistics.variance(values) / len(values) * (1 - len(values) / len(cells))

    before = sampled(list(by_cell))
    for _ in range(settings.max_rounds):
        seeds = sorted(seen, key=seen.__getitem__, reverse=True)[: settings.seeds]
        kept = {(*cell[:gene], choice, *cell[gene + 1 :]) for cell in seeds for gene in range(6) for choice in range(5)}
        after = sampled(sorted(kept))
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
