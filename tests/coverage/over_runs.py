"""Situations of statistics over runs: means, paired differences and mean ranks."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.repeated_runs import mean_over_runs, mean_ranks, paired_difference
from scipy import stats
from situation import Simulated, Situation

RUNS = (5, 10, 20, 50)

Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.normal(0.8, 0.1, shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Recalls near 1, of which a few are far lower."""
    return np.maximum(1 - rng.gamma(1.2, 0.12, shape), 0)


def very_skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.lognormal(0, 1, shape)


def two_groups(failing: float, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Recalls of which some share fails."""
    return np.where(rng.random(shape) < failing, 0.2, rng.normal(0.8, 0.08, shape))


DRAWS: dict[str, tuple[Draw, float | None]] = {
    "normal": (normal, 0.8),
    "skewed, recalls near 1": (skewed, None),
    "very skewed, log-normal": (very_skewed, float(np.exp(0.5))),
    "two groups, 50 % of the runs fail": (partial(two_groups, 0.5), 0.5),
    "two groups, 30 % of the runs fail": (partial(two_groups, 0.3), 0.62),
    "two groups, 10 % of the runs fail": (partial(two_groups, 0.1), 0.74),
}
"""What results of runs are like, and their true mean; None: the mean of many draws."""

NOT_USED = ("skewed, recalls near 1", "two groups, 10 % of the runs fail", "normal")
"""The data on which intervals that we do not use are measured too."""


def student(values: Floats) -> Estimate:
    """Return Student's interval, which lissnas uses below five runs only."""
    mean = values.mean(axis=0)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def bca(values: Floats) -> Estimate:
    """Return the BCa bootstrap of SciPy, which lissnas does not use."""
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=1000, batch=20, axis=0, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    return Estimate(values.mean(axis=0), found.low, found.high)


def simulate_mean(
    draw: Draw, mean: float | None, n: int, interval: Callable[[Floats], Estimate], rng: np.random.Generator, count: int
) -> Simulated:
    found = interval(draw(rng, (n, count)))
    return Simulated(found.low, found.high, float(draw(rng, (2_000_000,)).mean()) if mean is None else mean)


def simulate_difference(draw: Draw, n: int, rng: np.random.Generator, count: int) -> Simulated:
    """Simulate two methods that share the luck of a run; the second is better by 0.05."""
    luck = rng.normal(0, 0.1, (n, count))
    found = paired_difference(luck + draw(rng, (n, count)), luck + draw(rng, (n, count)) + 0.05)
    return Simulated(found.low, found.high, -0.05)


def simulate_shared_failure(n: int, rng: np.random.Generator, count: int) -> Simulated:
    """Simulate differences that are 0 in the 10 % of the runs in which both methods keep the full space."""
    difference = np.where(rng.random((n, count)) < 0.1, 0, rng.normal(0.06, 0.03, (n, count)))
    found = paired_difference(difference, np.zeros_like(difference))
    return Simulated(found.low, found.high, 0.054)


def simulate_ranks(n: int, rng: np.random.Generator, count: int) -> Simulated:
    """Simulate the mean rank of the best of four methods with skewed results in two conditions."""
    advantage = np.array([0.05, 0.0, 0.0, -0.1])
    ends = []
    for _ in range(count):
        found = mean_ranks(skewed(rng, (n, 2, 4)) + advantage)
        ends.append((found.low[0], found.high[0]))
    truth = mean_ranks(skewed(rng, (100_000, 2, 4)) + advantage).value[0]
    low, high = np.array(ends).T
    return Simulated(low, high, float(truth))


def situations() -> Iterator[Situation]:
    for data, (draw, mean) in DRAWS.items():
        for n in RUNS:
            yield Situation("mean over runs", data, n, partial(simulate_mean, draw, mean, n, mean_over_runs))
    for name, interval in (("mean, Student's (not used)", student), ("mean, BCa bootstrap (not used)", bca)):
        for data in NOT_USED:
            draw, mean = DRAWS[data]
            for n in RUNS:
                yield Situation(name, data, n, partial(simulate_mean, draw, mean, n, interval))
    for n in RUNS:
        yield Situation("paired difference", "normal", n, partial(simulate_difference, normal, n))
        yield Situation("paired difference", "skewed", n, partial(simulate_difference, skewed, n))
        yield Situation("paired difference", "0 in 10 % of the runs", n, partial(simulate_shared_failure, n))
        yield Situation("mean rank", "skewed, four methods", n, partial(simulate_ranks, n))
