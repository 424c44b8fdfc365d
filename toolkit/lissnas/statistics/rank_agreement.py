"""How well predicted scores rank networks: Kendall's tau and its kin, precision at the top, regret, with intervals.

Intervals are percentiles of a bootstrap over networks: they say how far a figure would move with other networks of the
same kind. Draws are made and measured in batches, on all cores.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.concordance import Times
from lissnas.statistics.estimate import CONFIDENCE, Estimate
from lissnas.statistics.rank_correlation import RankCorrelation

_NUMBERS_AT_ONCE = 2_000_000
"""Networks times draws of one batch: bounds the memory, and fits the cache."""


@dataclass(frozen=True)
class Ranking:
    """How well predicted scores agree with true ones on one set of networks.

    Attributes
    ----------
    networks
        How many networks both have scores of.
    tau
        Kendall's tau-b.
    weighted_tau
        Vigna's additive hyperbolic tau, in which a pair weighs the more the better its networks.
    rho
        Spearman's rank correlation.
    precision
        The share of the predicted top `share` that is in the true top `share`.
    regret
        By how much the true best exceeds the true score of the predicted best, in the scores' unit. It rests on one or
        two networks, so that its interval is rough.
    share
        What counts as top.
    true_ties, predicted_ties
        The share of pairs of networks that have equal scores.
    """

    networks: int
    tau: Estimate
    weighted_tau: Estimate
    rho: Estimate
    precision: Estimate
    regret: Estimate
    share: float
    true_ties: float
    predicted_ties: float


def rank_agreement(
    truth: Floats, predicted: Floats, rng: np.random.Generator, draws: int = 1000, share: float = 0.05
) -> Ranking:
    """Measure how well predicted scores rank networks; more must be better in both.

    Parameters
    ----------
    truth, predicted
        Shape (n,); networks of which either is NaN are left out.
    rng
        For the bootstrap.
    draws
        How many bootstrap draws the intervals rest on.
    share
        What counts as top for the precision.

    Raises
    ------
    SettingError
        If fewer than two networks have both scores, all scores of one kind are equal, or the top share holds none.
    """
    truth, predicted = _both_present(truth, predicted)
    if not 0 < share < 1 or round(share * len(truth)) == 0:
        raise SettingError(f"the top {share:.3g} of {len(truth)} networks holds none: choose a larger share")
    scores = RankCorrelation(truth, predicted)

    def measures(times: Times) -> Floats:
        return np.stack([*scores.taus(times), scores.rho(times), scores.precision(times, share), scores.regret(times)])

    tau, weighted_tau, rho, precision, regret = _bootstrapped(measures, len(truth), rng, draws)
    ties = tied_share(truth), tied_share(predicted)
    return Ranking(len(truth), tau, weighted_tau, rho, precision, regret, share, *ties)


def kendall_tau(truth: Floats, predicted: Floats, rng: np.random.Generator, draws: int = 1000) -> Estimate:
    """Return Kendall's tau-b alone, with its interval; takes and raises what `rank_agreement` does."""
    truth, predicted = _both_present(truth, predicted)
    scores = RankCorrelation(truth, predicted)
    [tau] = _bootstrapped(lambda times: scores.tau(times)[None], len(truth), rng, draws)
    return tau


def tied_share(scores: Floats) -> float:
    """Return the share of pairs of networks that have equal scores."""
    counts = np.unique(scores, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum() / (len(scores) * (len(scores) - 1)))


def _both_present(truth: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise SettingError(f"true scores of shape {truth.shape} and predicted ones of shape {predicted.shape}")
    both = ~(np.isnan(truth) | np.isnan(predicted))
    truth, predicted = truth[both], predicted[both]
    for name, scores in (("true", truth), ("predicted", predicted)):
        if len(np.unique(scores)) < 2:
            raise SettingError(f"{len(scores)} {name} scores, all equal: they rank nothing")
    return truth, predicted


def _bootstrapped(
    measures: Callable[[Times], Floats], networks: int, rng: np.random.Generator, draws: int
) -> list[Estimate]:
    """Return several measures of all networks with the percentiles of their bootstrap draws.

    `measures` returns shape (measures, draws).
    """
    values = measures(np.ones((networks, 1), dtype=np.float32))[:, 0]

    def of_batch(batch: tuple[int, np.random.Generator]) -> Floats:
        count, own_rng = batch
        chosen = own_rng.integers(networks, size=(count, networks)) + networks * np.arange(count)[:, None]
        times = np.bincount(chosen.ravel(), minlength=count * networks).reshape(count, networks)
        return measures(np.ascontiguousarray(times.T, dtype=np.float32))

    at_once = max(1, min(_NUMBERS_AT_ONCE // networks, draws))
    counts = [min(at_once, draws - first) for first in range(0, draws, at_once)]
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        drawn = list(threads.map(of_batch, zip(counts, rng.spawn(len(counts)), strict=True)))
    if not drawn:
        return [Estimate(value, np.asarray(np.nan), np.asarray(np.nan)) for value in values]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.concatenate(drawn, axis=1), [tail, 1 - tail], axis=1)
    return [Estimate(*estimate) for estimate in zip(values, low, high, strict=True)]
