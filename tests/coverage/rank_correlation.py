"""Situations of rank correlation: a sample of architectures, whose true and predicted scores agree to some degree."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from lissnas.spaces.space import Floats
from lissnas.statistics.rank_correlation import BootstrappedRanks, RankAgreement, kendall_tau, rank_agreement
from situation import Shared, Simulated, Situation

_POPULATION = 20_000
"""Number of architectures from which the value of the population is computed."""

_DRAWS = 300
"""Number of bootstrap draws; lissnas uses 1,000 by default, and the coverage differs by less than 1 %."""

_TIES = ("tau 0.6, ties: 10 levels", 0.81, 8)

_FEW = 500
"""Number of repetitions for 1,000 architectures, which take longer."""


def scores(agreement: float, levels: int, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return true and predicted scores with a correlation; a number of levels above 0 makes the true ones tie."""
    truth = rng.normal(size=n)
    predicted = agreement * truth + np.sqrt(1 - agreement**2) * rng.normal(size=n)
    return (np.round(truth * levels / 4) if levels else truth), predicted


def simulate_tau(agreement: float, levels: int, n: int, rng: np.random.Generator, count: int) -> Simulated:
    found = [kendall_tau(*scores(agreement, levels, n, rng), rng, _DRAWS) for _ in range(count)]
    population = BootstrappedRanks(*scores(agreement, levels, _POPULATION, rng))
    truth = float(population.tau(np.ones((_POPULATION, 1), dtype=np.float32))[0])
    low, high = (np.array([float(getattr(each, end)) for each in found]) for end in ("low", "high"))
    return Simulated(low, high, truth)


def agreement(n: int, rng: np.random.Generator) -> RankAgreement:
    return rank_agreement(*scores(0.81, 0, n, rng), rng, _DRAWS)


def situations() -> Iterator[Situation]:
    for data, correlation, levels in (
        ("tau 0.2", 0.31, 0),
        ("tau 0.6", 0.81, 0),
        ("tau 0.9", 0.988, 0),
        _TIES,
    ):
        for n in (20, 50, 200):
            yield Situation("Kendall's tau", data, n, partial(simulate_tau, correlation, levels, n))
    data, correlation, levels = _TIES
    yield Situation("Kendall's tau", data, 1000, partial(simulate_tau, correlation, levels, 1000), _FEW)
    population = rank_agreement(*scores(0.81, 0, _POPULATION, rng := np.random.default_rng(0)), rng, 0)
    for n in (50, 200):
        shared = Shared(partial(agreement, n), f"rank agreement {n}")
        for measure, name in (
            ("weighted_tau", "weighted tau"),
            ("rho", "Spearman's rho"),
            ("precision", "precision of the top 5 %"),
            ("regret", "regret"),
        ):
            # The weighted tau and the regret depend on the number of architectures: their truth is their expectation.
            of_population = measure in ("rho", "precision")
            truth = float(getattr(population, measure).value) if of_population else None
            yield Situation(name, "tau 0.6", n, shared.interval(measure, truth))
