"""Situations of the other intervals: proportions, noise of training, sizes of subspaces, and cheap scores."""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
from lissnas.predictors.cheap_score_diagnosis import diagnose_cheap_scores
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import Floats, Rows
from lissnas.statistics.estimate import Estimate, normal_estimate, wilson_estimate
from lissnas.statistics.sampled_subspace import estimate_mean_distance, estimate_size
from lissnas.statistics.seed_noise import disattenuate, seed_noise, top_agreement
from lissnas.subspaces.union_of_balls import UnionOfBalls
from situation import Simulated, Situation, repeated

SPACE = CategoricalSpace("4^6", ("abcd",) * 6, "{}" * 6)


def simulate_share(share: float, n: int, rng: np.random.Generator, count: int) -> Simulated:
    """Simulate a share of independent draws."""
    found = rng.binomial(n, share, count) / n
    estimate = wilson_estimate(found, np.sqrt(found * (1 - found) / n), np.full(count, float(n)))
    return Simulated(estimate.low, estimate.high, share)


def trainings(n: int, rng: np.random.Generator) -> Floats:
    """Return two trainings of each architecture; a quarter of the variance is noise."""
    return np.sqrt(0.75) * rng.normal(size=(n, 1)) + np.sqrt(0.25) * rng.normal(size=(n, 2))


def noise(measure: str, n: int, rng: np.random.Generator) -> Estimate:
    runs = trainings(n, rng)
    return getattr(seed_noise(runs, runs.mean(axis=1), np.full(n, 2.0)), measure)


def without_noise(n: int, rng: np.random.Generator) -> Estimate:
    """Return the correlation of pairs without noise: it is 0.6, and the noise takes a quarter of it."""
    runs = trainings(n, rng)
    measured = seed_noise(runs, runs.mean(axis=1), np.full(n, 2.0))
    x, y = rng.multivariate_normal([0, 0], [[1, 0.45], [0.45, 1]], 10 * n).T
    noisy = np.asarray(np.corrcoef(x, y)[0, 1])
    return disattenuate(normal_estimate(noisy, (1 - noisy**2) / np.sqrt(10 * n)), measured.correlation)


def agreement(n: int, rng: np.random.Generator) -> Estimate:
    return top_agreement(trainings(n, rng), (0.05,))


@cache
def union() -> tuple[UnionOfBalls, float, float]:
    """Return a union of balls with its true size and the true mean distance of its members."""
    balls = UnionOfBalls(SPACE, SPACE.sample(30, np.random.default_rng(3)), 2)
    inside = SPACE.all_rows()[balls.count_balls(SPACE.all_rows()) > 0]
    return balls, float(len(inside)), float(SPACE.mean_distance(inside))


def gain(helpful: float, n: int, rng: np.random.Generator) -> Estimate:
    """Return the gain by one cheap score, which is noise apart from a share of the true accuracy."""
    effects = rng.normal(size=(SPACE.genes, 4))

    def accuracy(rows: Rows) -> Floats:
        return effects[np.arange(SPACE.genes), rows].sum(axis=1)

    noise_rng = np.random.default_rng(int(rng.integers(2**32)))
    luck = noise_rng.normal(size=SPACE.size) * np.sqrt(SPACE.genes)

    def cheap(rows: Rows) -> Floats:
        return helpful * accuracy(rows) + (1 - helpful) * luck[SPACE.index(rows)]

    rows = SPACE.sample(n, rng)
    return diagnose_cheap_scores(SPACE, rows, accuracy(rows) + rng.normal(size=n), [cheap], rng).gain


def situations() -> Iterator[Situation]:
    for share in (0.02, 0.2, 0.5):
        for n in (10, 50, 200):
            yield Situation("proportion", f"share {share:g}", n, partial(simulate_share, share, n))
    for n in (50, 500):
        for measure in ("difference", "correlation", "reliability"):
            name = f"noise of training: {measure}"
            yield Situation(name, "a quarter of the variance", n, repeated(partial(noise, measure, n), None))
        yield Situation(
            "correlation without noise", "a quarter of the variance", n, repeated(partial(without_noise, n), 0.6)
        )
    yield Situation("top again", "top 5 % of two trainings", 1000, repeated(partial(agreement, 1000), None, (0,)))
    balls, size, distance = union()
    for n in (100, 1000):
        yield Situation("size of a union of balls", "30 balls", n, repeated(partial(estimate_size, balls, n), size))
        one = partial(estimate_mean_distance, balls, n)
        yield Situation("mean distance of members", "30 balls", n, repeated(one, distance))


def cheap_scores() -> Iterator[Situation]:
    for helpful, data in ((0.0, "a score that is noise"), (0.7, "a helpful score")):
        yield Situation("gain by cheap scores", data, 50, repeated(partial(gain, helpful, 50), None))
