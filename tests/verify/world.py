"""What lissnas computes is what other programs, published tables and plain sums give.

    python tests/verify/verify.py world       # sets the import path, keeps rows
    PYTHONPATH=tests/faults:tests/coverage python tests/verify/world.py [CLAIM ...] [--count N] [--rows FILE]

A case of the first two claims is a complete table that an installation contains. A table of graphs takes minutes.
"""

import csv
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from claims import Case, main
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.landscape import Landscape
from lissnas.predictors.choice_kernel import choice_components
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import fit_gaussian_process, objective, prior
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats, Space
from lissnas.statistics.rank_correlation import rank_agreement
from lissnas_benchmarks.benchmark import open_benchmark
from scipy.stats import kendalltau, spearmanr, weightedtau
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

ROOT = Path(__file__).parents[2]

TABLES = (
    ("analog-nasbench", "cifar10"),
    ("digits-cells", "digits"),
    ("fashion-cells", "fashion-mnist"),
    ("nas-bench-graph-proteins", "proteins"),
    *(
        ("nas-bench-graph", name)
        for name in ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv")
    ),
)
"""Every complete table that an installation contains, and its data sets."""

SHARES = (0.01, 0.05, 0.10)

_SOURCES = 200
"""Number of architectures whose distances to all others are in memory at once."""


def _distances(space: Space) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield some architectures and their distances to all others, shape (some, n), by counting or by walking."""
    rows = space.all_rows()
    targets = None if isinstance(space, CategoricalSpace) else _neighbor_lists(space)
    for first in range(0, space.size, _SOURCES):
        sources = np.arange(first, min(first + _SOURCES, space.size))
        if targets is None:
            yield sources, sum((rows[sources, None, gene] != rows[None, :, gene]).view(np.uint8) for gene in range(6))
        else:
            yield sources, np.stack([_walked(targets, source) for source in sources.tolist()])


def _neighbor_lists(space: Space) -> list[np.ndarray]:
    targets, source = space.neighbors(space.all_rows())
    order = np.argsort(source, kind="stable")
    return np.split(space.index(targets)[order], np.cumsum(np.bincount(source, minlength=space.size))[:-1])


def _walked(neighbors: list[np.ndarray], source: int) -> np.ndarray:
    """Return the number of edits from an architecture to every other, by a breadth-first search."""
    distance = np.full(len(neighbors), 255, dtype=np.uint8)
    distance[source], frontier, steps = 0, np.array([source]), 0
    while len(frontier):
        steps += 1
        found = np.concatenate([neighbors[place] for place in frontier.tolist()])
        frontier = np.unique(found[distance[found] == 255])
        distance[frontier] = steps
    return distance


def locality_of_all_pairs(space: Space, scores: Floats) -> dict[str, Floats]:
    """Return pairs, mean difference, correlation and P(top q) at each distance, by a sum over all pairs."""
    measured = np.flatnonzero(~np.isnan(scores))
    centered = scores - scores[measured].mean()
    ranked = np.sort(scores[measured])
    tops = [np.nan_to_num(scores, nan=-np.inf) >= ranked[-round(share * len(ranked))] for share in SHARES]
    sums = {name: np.zeros(256) for name in ("pairs", "difference", "own", "square", "product")}
    hits, of_top = np.zeros((len(tops), 256)), np.zeros((len(tops), 256))
    for sources, distances in _distances(space):
        for source, distance in zip(sources.tolist(), distances, strict=True):
            if np.isnan(scores[source]):
                continue
            at = distance[measured]
            values = {
                "pairs": np.ones(len(measured)),
                "difference": np.abs(scores[source] - scores[measured]),
                "own": np.full(len(measured), centered[source]),
                "square": np.full(len(measured), centered[source] ** 2),
                "product": centered[source] * centered[measured],
            }
            for name, weights in values.items():
                sums[name] += np.bincount(at, weights, minlength=256)
            for place, top in enumerate(tops):
                if top[source]:
                    of_top[place] += np.bincount(at, minlength=256)
                    hits[place] += np.bincount(at, top[measured], minlength=256)
    last = int(np.flatnonzero(sums["pairs"][:255]).max())
    pairs = sums["pairs"]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums["own"] / pairs
        correlation = (sums["product"] / pairs - mean**2) / (sums["square"] / pairs - mean**2)
        rates = hits / of_top
    kept = slice(1, last + 1)
    return {
        "pairs": pairs[kept],
        "difference": sums["difference"][kept] / pairs[kept],
        "correlation": correlation[kept],
        "top_rate": rates[:, kept],
    }


def locality(folder: Path) -> Case:
    """Compare exact locality with a sum over all pairs."""

    def case(number: int) -> str:
        name, dataset = TABLES[number % len(TABLES)]
        opened = open_benchmark(name, dataset)
        expected = locality_of_all_pairs(opened.space, opened.report)
        found = pair_locality(opened.space, opened.report, SHARES)
        values = {
            "pairs": found.pairs,
            "difference": found.difference.value,
            "correlation": found.correlation.value,
            "top_rate": found.top_rate.value,
        }
        # Differences and sums of graph spaces are float32: six digits.
        wrong = [what for what in values if not np.allclose(values[what], expected[what], rtol=1e-4, atol=2e-5)]
        return f"{name}, {dataset}: {', '.join(wrong)}" if wrong else ""

    return case


def landscape(folder: Path) -> Case:
    """Compare optima, ascents and basins with plain loops over architectures."""

    def case(number: int) -> str:
        name, dataset = TABLES[number % len(TABLES)]
        opened = open_benchmark(name, dataset)
        scores = opened.report.tolist()
        neighbors = _neighbors_by_definition(opened.space)
        best = [
            max((other for other in neighbors[place] if scores[other] > scores[place]), key=lambda o: (scores[o], o))
            if any(scores[other] > scores[place] for other in neighbors[place])
            else place
            for place in range(opened.space.size)
        ]
        measured = [place for place, score in enumerate(scores) if not math.isnan(score)]
        ends = {}
        for start in measured:
            end = start
            while best[end] != end:
                end = best[end]
            ends[start] = end
        found = Landscape(opened.space, opened.report)
        optima = [place for place in measured if best[place] == place]
        basins = np.bincount(list(ends.values()), minlength=opened.space.size)
        wrong = [
            what
            for what, same in (
                ("local optima", found.local_optima().tolist() == optima),
                ("ends of ascents", found.ascend()[measured].tolist() == list(ends.values())),
                ("basins", found.basins().tolist() == basins.tolist()),
            )
            if not same
        ]
        return f"{name}, {dataset}: {', '.join(wrong)}" if wrong else ""

    return case


def _neighbors_by_definition(space: Space) -> list[list[int]]:
    """Return the neighbors of each architecture: in a space of cells from all edits of its row, in Python."""
    if not isinstance(space, CategoricalSpace):
        return [targets.tolist() for targets in _neighbor_lists(space)]
    rows = [tuple(row) for row in space.all_rows().tolist()]
    places = {row: place for place, row in enumerate(rows)}
    return [
        [
            places[(*row[:gene], choice, *row[gene + 1 :])]
            for gene, count in enumerate(space.choices)
            for choice in range(count)
            if choice != row[gene]
        ]
        for row in rows
    ]


def rank_correlation(folder: Path) -> Case:
    """Compare tau, weighted tau and rho of random scores, with ties, with SciPy."""

    def case(number: int) -> str:
        rng = np.random.default_rng(number)
        count = int(rng.integers(3, 400))
        levels = int(rng.integers(2, 60))
        truth = rng.integers(0, levels, count).astype(np.float64)
        predicted = np.round(truth * rng.choice([-1, 0, 1]) + rng.normal(0, levels / 3, count))
        if len(set(truth)) == 1 or len(set(predicted)) == 1:
            return ""
        found = rank_agreement(truth, predicted, rng, draws=0, share=0.5)
        expected = {
            "tau": (found.tau.value, kendalltau(truth, predicted).statistic),
            "weighted tau": (found.weighted_tau.value, weightedtau(truth, predicted).statistic),
            "rho": (found.rho.value, spearmanr(truth, predicted).statistic),
        }
        wrong = [
            f"{name} {ours}, not {theirs}" for name, (ours, theirs) in expected.items() if not _close(ours, theirs)
        ]
        return f"{count} scores: {', '.join(wrong)}" if wrong else ""

    return case


def _close(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


def gaussian_process(folder: Path) -> Case:
    """Compare the likelihood and the posterior of random processes with scikit-learn."""

    def case(number: int) -> str:
        rng = np.random.default_rng(number)
        choices = rng.integers(2, 6, rng.integers(2, 7)).tolist()
        ordered = tuple(bool(flag) for flag in rng.integers(0, 2, len(choices)))
        space = CategoricalSpace("random", ["abcde"[:count] for count in choices], "{}" * len(choices), ordered)
        kernel = DistanceKernel(choice_components(space))
        count = int(rng.integers(8, 60))
        rows, others = space.sample(min(count, space.size), rng), space.sample(min(20, space.size), rng)
        targets = rng.normal(size=len(rows)) + rows[:, 0]
        process = fit_gaussian_process(kernel, rows, targets)
        parameters = process.parameters
        signal, noise = np.exp(parameters[-2:])
        scales = 1 / np.sqrt(kernel.weights(parameters[:-2]))
        covariance = ConstantKernel(1.0) + ConstantKernel(signal) * RBF(scales) + WhiteKernel(noise)
        features = kernel.features(rows)
        oracle = GaussianProcessRegressor(covariance, alpha=0, optimizer=None).fit(features, targets)
        mean, spread = prior(kernel)
        penalty = (((parameters - mean) / spread) ** 2).sum() / 2 - len(rows) / 2 * math.log(2 * math.pi)
        likelihood = penalty - objective(parameters, kernel, features, targets)[0]
        ours = process.mean_and_spread(others)
        theirs = oracle.predict(kernel.features(others), return_std=True)
        checks = {
            "likelihood": np.isclose(likelihood, oracle.log_marginal_likelihood_value_, rtol=1e-7),
            "mean": np.allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-8),
            "spread": np.allclose(np.sqrt(ours[1] ** 2 + process.noise), theirs[1], rtol=1e-6),
        }
        return ", ".join(name for name, same in checks.items() if not same)

    return case


OFFICIAL = (
    "tests/toolkit/spaces/published/test_isomorphic_cells.py",
    "tests/toolkit/spaces/published/test_chains.py",
    "tests/toolkit/spaces/published/test_nasbench101.py",
    "tests/toolkit/locality/test_exact_locality.py",
    "tests/toolkit/locality/test_local_optima_network.py",
    "tests/benchmarks/adapters/test_nas_bench_301.py",
)
"""Tests that compare with official programs and published values; a missing official file is no failure."""


def official(folder: Path) -> Case:
    """Run tests against official programs and tables, one file each."""

    def case(number: int) -> str:
        file = OFFICIAL[number % len(OFFICIAL)]
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", file]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return f"{file}: {ended.stdout.strip().splitlines()[-1]}" if ended.returncode else ""

    return case


def coverage(folder: Path) -> Case:
    """Simulate the coverage of an interval again, and compare it with the committed one."""
    import run as simulation
    from situation import Situation

    with simulation.FILE.open(newline="") as file:
        committed = {(row["interval"], row["data"], row["n"]): row for row in csv.DictReader(file)}
    situations: list[Situation] = [
        *simulation.over_runs.situations(),
        *simulation.locality.situations(),
        *simulation.other_measures.situations(),
        *simulation.rank_correlation.situations(),
    ]
    order = np.random.default_rng(0).permutation(len(situations))

    def case(number: int) -> str:
        situation = situations[order[number % len(order)]]
        expected = committed[simulation._key(situation)]
        found = simulation._measured(situation)
        return "" if found == expected else f"{expected['interval']}, {expected['data']}: {found['coverage']}"

    return case


CLAIMS: dict[str, Callable[[Path], Case]] = {
    "locality of every embedded table is that of a sum over all pairs": locality,
    "optima, ascents and basins of every embedded table are those of plain loops": landscape,
    "tau, weighted tau and rho are those of SciPy": rank_correlation,
    "the Gaussian process is that of scikit-learn": gaussian_process,
    "canonical forms, costs, funnels and published values are the official ones": official,
    "the coverage of intervals is the committed one": coverage,
}

if __name__ == "__main__":
    main(CLAIMS, count=3)
