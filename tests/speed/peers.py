"""Speed and memory beside other programs, and how the time grows with the number of architectures: one table.

    python tests/speed/peers.py [ROW ...] [--count 5] [--rows FILE]

Each row runs both sides by turns, and prints the median ratio of their times with the smallest and the largest, the
peak memory of each side, and the exponent of growth: the slope of log(time) against log(number of architectures), from
10^3 to 10^COUNT. An exponent of 1 is proportional. Memory is what Python and NumPy allocate. A row fails if its median
ratio is below 1. "Plain Python" is the same method on tuples and dicts, where we know of no other program.
"""

import argparse
import datetime
import json
import math
import os
import platform
import random
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.locality.exact_locality import pair_locality
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import fit_gaussian_process
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201, distinct_cell201
from lissnas.spaces.space import Floats
from lissnas.statistics.rank_correlation import kendall_tau
from lissnas_benchmarks.benchmark import open_benchmark
from scipy.stats import kendalltau

REPEATS = 5

DRAWS = 200
"""Bootstrap draws of tau; the loop makes 5 of them, and its time is scaled up."""

SEEDS = 10

Work = Callable[[], object]

cells = open_benchmark("analog-nasbench")
space, scores = cells.space, cells.report
strings = space.write(space.all_rows())


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    claim
        What is compared with what, and on how much.
    ours, theirs
        The two sides.
    scale
        Factor of the time of `theirs`, which does a part of the work.
    grown
        Returns the same work of ours for a number of architectures.
    largest
        Largest number of architectures for which it is measured.
    """

    claim: str
    ours: Work
    theirs: Work
    scale: float
    grown: Callable[[int], Work]
    largest: int = 10**7


def decimal_space(count: int) -> CategoricalSpace:
    """Return a space of 10^n architectures: n genes of ten choices."""
    genes = round(math.log10(count))
    return CategoricalSpace(f"10^{genes}", ("abcdefghij",) * genes, "{}" * genes)


def smooth_scores(of: CategoricalSpace) -> Floats:
    rng = np.random.default_rng(0)
    return rng.normal(size=(of.genes, 10))[np.arange(of.genes), of.all_rows()].sum(axis=1) + rng.normal(size=of.size)


def loop_over_pairs(sources: int) -> None:
    """Sum differences, products and pairs of the best at each distance, for some architectures, in plain Python."""
    rows, values = space.all_rows().tolist(), scores.tolist()
    threshold = sorted(values)[-len(values) // 100]
    pairs, hits = [0] * 7, [0] * 7
    difference, product = [0.0] * 7, [0.0] * 7
    for a in range(0, len(rows), len(rows) // sources):
        for b in range(len(rows)):
            distance = sum(x != y for x, y in zip(rows[a], rows[b], strict=True))
            pairs[distance] += 1
            difference[distance] += abs(values[a] - values[b])
            product[distance] += values[a] * values[b]
            hits[distance] += values[a] >= threshold and values[b] >= threshold


def locality_row() -> Row:
    def grown(count: int) -> Work:
        larger = decimal_space(count)
        values = smooth_scores(larger)
        return lambda: pair_locality(larger, values)

    sources = 5
    claim = "exact locality of 15,625 cells, beside plain Python over pairs"
    scale = space.size / len(range(0, space.size, space.size // sources))
    return Row(claim, lambda: pair_locality(space, scores), lambda: loop_over_pairs(sources), scale, grown, 10**5)


def shrinking_row() -> Row:
    shrinker = Lissnas()
    by_cell = dict(zip(map(tuple, space.all_rows().tolist()), scores.tolist(), strict=True))

    def one_by_one(seed: int) -> None:
        rng = random.Random(seed)
        scored: dict[tuple[int, ...], float] = {}

        def sample_mean(kept: list[tuple[int, ...]]) -> tuple[float, float]:
            drawn = rng.sample(kept, min(shrinker.sample_size, len(kept)))
            values = [scored.setdefault(cell, by_cell[cell]) for cell in drawn]
            return statistics.fmean(values), statistics.variance(values) / len(values) * (1 - len(values) / len(kept))

        before = sample_mean(list(by_cell))
        for _ in range(shrinker.max_rounds):
            seeds = sorted(scored, key=scored.__getitem__, reverse=True)[: shrinker.seeds]
            kept = {(*c[:gene], choice, *c[gene + 1 :]) for c in seeds for gene in range(6) for choice in range(5)}
            after = sample_mean(sorted(kept))
            if after[0] <= before[0] + (before[1] + after[1]) ** 0.5:
                break
            before = after

    def grown(count: int) -> Work:
        larger = decimal_space(count)
        evaluator = TableEvaluator(larger, smooth_scores(larger))
        return lambda: [shrink(larger, evaluator, shrinker, np.random.default_rng(seed)) for seed in range(SEEDS)]

    table = TableEvaluator(space, scores)
    claim = f"{SEEDS} runs of LISSNAS on 15,625 cells, beside plain Python on tuples"
    return Row(
        claim,
        lambda: [shrink(space, table, shrinker, np.random.default_rng(seed)) for seed in range(SEEDS)],
        lambda: [one_by_one(seed) for seed in range(SEEDS)],
        1,
        grown,
    )


def tau_row() -> Row:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=space.size)
    predicted = truth + rng.normal(size=space.size)
    part = 5

    def loop() -> None:
        for _ in range(part):
            chosen = rng.integers(space.size, size=space.size)
            kendalltau(truth[chosen], predicted[chosen])

    def grown(count: int) -> Work:
        more = rng.normal(size=count)
        noisy = more + rng.normal(size=count)
        return lambda: kendall_tau(more, noisy, rng, 1)

    claim = f"tau of 15,625 scores with {DRAWS} bootstrap draws, beside a loop over SciPy"
    return Row(claim, lambda: kendall_tau(truth, predicted, rng, DRAWS), loop, DRAWS / part, grown)


def gaussian_process_row() -> Row:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = DistanceKernel(choice_components(space))
    rng = np.random.default_rng(0)
    rows, every = space.sample(150, rng), space.all_rows()
    targets = scores[space.index(rows)]
    targets = (targets - targets.mean()) / targets.std()
    features, all_features = kernel.features(rows), kernel.features(every)

    def ours() -> None:
        fit_gaussian_process(kernel, rows, targets).mean_and_spread(every)

    def theirs() -> None:
        covariance = ConstantKernel() * RBF(np.ones(features.shape[1])) + WhiteKernel()
        with warnings.catch_warnings(action="ignore"):  # length scales at their bounds
            GaussianProcessRegressor(covariance).fit(features, targets).predict(all_features, return_std=True)

    process = fit_gaussian_process(kernel, rows, targets)

    def grown(count: int) -> Work:
        many = space.rows(rng.integers(0, space.size, count))
        return lambda: process.mean_and_spread(many)

    claim = "a Gaussian process of 150 scores predicts 15,625 cells, beside scikit-learn"
    return Row(claim, ours, theirs, 1, grown, 10**6)


def canonical_row() -> Row:
    from nats_bench.genotype_utils import topology_str2structure

    distinct = distinct_cell201()
    rows = space.all_rows()
    some = strings[::25]

    def grown(count: int) -> Work:
        many = rows[np.random.default_rng(0).integers(0, len(rows), count)]
        return lambda: distinct.index(many)

    def theirs() -> None:
        for text in some:
            topology_str2structure(text).to_unique_str(consider_zero=True)

    claim = "isomorphic forms of 15,625 cells, after the first use, beside the official program"
    return Row(claim, lambda: distinct.index(rows), theirs, len(strings) / len(some), grown)


def reading_row() -> Row:
    from nats_bench.genotype_utils import topology_str2structure

    fresh = cell201()

    def grown(count: int) -> Work:
        many = [strings[place] for place in np.random.default_rng(0).integers(0, len(strings), count).tolist()]
        return lambda: fresh.read(many)

    def theirs() -> None:
        for text in strings:
            topology_str2structure(text)

    claim = "15,625 official strings become rows, beside the official program"
    return Row(claim, lambda: fresh.read(strings), theirs, 1, grown, 10**6)


ROWS = {
    "locality": locality_row,
    "shrinking": shrinking_row,
    "tau": tau_row,
    "gaussian-process": gaussian_process_row,
    "isomorphic-forms": canonical_row,
    "reading": reading_row,
}


def seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def megabytes(work: Work) -> float:
    """Return the peak of what Python and NumPy allocate during the work."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def exponent(row: Row, power: int) -> tuple[float, int]:
    """Return the slope of log(time) against log(number of architectures), and the largest number."""
    counts = [10**each for each in range(3, power + 1) if 10**each <= row.largest]
    times = []
    for count in counts:
        work = row.grown(count)
        work()
        times.append(min(seconds(work) for _ in range(2)))
    return float(np.polyfit(np.log(counts), np.log(times), 1)[0]), counts[-1]


def _digits(value: float) -> str:
    """Return a number with three digits, or all digits before its decimal point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measured(row: Row, power: int) -> dict[str, object]:
    """Measure both sides by turns, and return the row of the table."""
    started = time.monotonic()
    row.ours()
    ratios = []
    for _ in range(REPEATS):
        ours = seconds(row.ours)
        ratios.append(row.scale * seconds(row.theirs) / ours)
    middle = statistics.median(ratios)
    slope, largest = exponent(row, power)
    memory = [megabytes(side) for side in (row.ours, row.theirs)]
    figure = (
        f"{_digits(middle)} times as fast ({_digits(min(ratios))} to {_digits(max(ratios))} in {REPEATS} runs); "
        f"{_digits(memory[0])} MB beside {_digits(memory[1])} MB; time grows with exponent {slope:.2f} "
        f"from 10^3 to 10^{round(math.log10(largest))}"
    )
    return {
        "claim": row.claim,
        "figure": figure,
        "cases": power,
        "failed": int(middle < 1),
        "failures": [figure] if middle < 1 else [],
        "seconds": round(time.monotonic() - started, 1),
        "skipped": "",
        "program": "python tests/speed/peers.py",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def main() -> None:
    """Measure the rows that the file lacks, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--count", type=int, default=5, help="the exponent is measured up to 10^COUNT architectures")
    parser.add_argument("--rows", type=Path, help="JSON file of the rows; rows that are there are not measured again")
    options = parser.parse_args()
    known = {}
    if options.rows and options.rows.exists():
        known = {row["claim"]: row for row in json.loads(options.rows.read_bytes())}
    failed = False
    for name in options.names:
        row = ROWS[name]()
        found = known.get(row.claim)
        if found is None or found["failed"] or found["cases"] < options.count:
            known[row.claim] = found = measured(row, options.count)
            if options.rows:
                options.rows.write_text(json.dumps(list(known.values()), indent=1))
        failed |= bool(found["failed"])
        print(f"{row.claim}\n    {found['figure']}", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
