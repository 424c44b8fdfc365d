"""Kendall's tau of 15,625 pairs with 1,000 bootstrap draws, beside a loop over scipy.stats.kendalltau."""

import time

import numpy as np
from lissnas.statistics.rank_correlation import kendall_tau, rank_agreement
from scipy.stats import kendalltau, spearmanr, weightedtau

NETWORKS, DRAWS, LOOPED = 15_625, 1_000, 20

rng = np.random.default_rng(0)
truth = rng.normal(size=NETWORKS)
predicted = truth + rng.normal(size=NETWORKS)


def looped(*measures: object) -> float:
    """Return the seconds that a loop over functions of SciPy would take, scaled up."""
    started = time.perf_counter()
    for _ in range(LOOPED):
        chosen = rng.integers(NETWORKS, size=NETWORKS)
        for measure in measures:
            measure(truth[chosen], predicted[chosen])
    return (time.perf_counter() - started) * DRAWS / LOOPED


started = time.perf_counter()
tau = kendall_tau(truth, predicted, rng, DRAWS)
together = time.perf_counter() - started
loop = looped(kendalltau)
print(f"tau, draws in batches:  {together:.1f} s (tau {tau.value:.3f} [{tau.low:.3f}, {tau.high:.3f}])")
print(f"a loop over scipy:      {loop:.1f} s, scaled up from {LOOPED} of {DRAWS:,} draws")
print(f"{loop / together:.1f} times faster")

started = time.perf_counter()
rank_agreement(truth, predicted, rng, DRAWS)
together = time.perf_counter() - started
loop = looped(kendalltau, weightedtau, spearmanr)
print(f"all five measures:      {together:.1f} s")
print(f"a loop over scipy:      {loop:.1f} s for tau, weighted tau and rho alone, scaled up likewise")
print(f"{loop / together:.1f} times faster")
