"""Rank correlation: Kendall's tau, weighted tau, Spearman's rho, precision at the top and regret, with intervals.

Intervals are percentiles of a bootstrap over architectures: they say how much a measure would change with other
architectures of the same kind. Draws are measured in batches, on all cores.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.concordance import Concordance, DrawCounts, TieGroups
from lissnas.statistics.estimate import CONFIDENCE, Estimate

_MAX_BATCH = 2_000_000
"""Maximum of architectures times draws in one batch: bounds the memory, and fits the cache."""


@dataclass(frozen=True)
class RankAgreement:
    """How well predicted scores agree with true scores on one set of architectures.

    Attributes
    ----------
    networks
        Number of architectures that have both scores.
    tau
        Kendall's tau-b.
    weighted_tau
        Vigna's additive hyperbolic tau, which gives pairs of better architectures a larger weight.
    rho
        Spearman's rank correlation.
    precision
        Share of the predicted top `share` that is in the true top `share`.
    regret
        True score of the best architecture minus that of the predicted best, in the unit of the scores. It depends on
        one or two architectures, so its interval is rough.
    share
        Share of the architectures that counts as top.
    true_ties, predicted_ties
        Share of the pairs of architectures whose scores are equal.
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
) -> RankAgreement:
    """Return how well predicted scores rank architectures. A larger score must be better in both.

    Parameters
    ----------
    truth, predicted
        Shape (n,). Architectures with a NaN in either are excluded.
    rng
        The source of the bootstrap draws.
    draws
        Number of bootstrap draws for the intervals.
    share
        Share of the architectures that counts as top, for the precision.

    Raises
    ------
    SettingError
        If fewer than two architectures have both scores, all scores of one kind are equal, or the top share is empty.

    Examples
    --------
    >>> truth, predicted = np.arange(100.0), np.arange(100.0) ** 2
    >>> float(rank_agreement(truth, predicted, np.random.default_rng(0)).tau.value)
    1.0
    """
    truth, predicted = _both_present(truth, predicted)
    if not 0 < share < 1 or round(share * len(truth)) == 0:
        raise SettingError(f"the top {share:.3g} of {len(truth)} networks has no network: choose a larger share")
    scores = BootstrappedRanks(truth, predicted)

    def measures(counts: DrawCounts) -> Floats:
        taus, rho = scores.taus(counts), scores.rho(counts)
        return np.stack([*taus, rho, scores.precision(counts, share), scores.regret(counts)])

    tau, weighted_tau, rho, precision, regret = _bootstrapped(measures, len(truth), rng, draws)
    ties = tied_share(truth), tied_share(predicted)
    return RankAgreement(len(truth), tau, weighted_tau, rho, precision, regret, share, *ties)


def kendall_tau(truth: Floats, predicted: Floats, rng: np.random.Generator, draws: int = 1000) -> Estimate:
    """Return Kendall's tau-b with its interval. Parameters and errors are those of `rank_agreement`."""
    truth, predicted = _both_present(truth, predicted)
    scores = BootstrappedRanks(truth, predicted)
    [tau] = _bootstrapped(lambda counts: scores.tau(counts)[None], len(truth), rng, draws)
    return tau


def tied_share(scores: Floats) -> float:
    """Return the share of the pairs of architectures whose scores are equal."""
    counts = np.unique(scores, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum() / (len(scores) * (len(scores) - 1)))


def _both_present(truth: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise SettingError(f"true scores of shape {truth.shape} and predicted ones of shape {predicted.shape}")
    both = ~(np.isnan(truth) | np.isnan(predicted))
    truth, predicted = truth[both], predicted[both]
    for name, scores in (("true", truth), ("predicted", predicted)):
        if len(np.unique(scores)) < 2:
            raise SettingError(f"all {len(scores)} {name} scores are equal: they rank nothing")
    return truth, predicted


def _bootstrapped(
    measures: Callable[[DrawCounts], Floats], networks: int, rng: np.random.Generator, draws: int
) -> list[Estimate]:
    """Return the measures of all architectures, with the percentiles of their bootstrap draws as intervals.

    `measures` returns shape (measures, draws).
    """
    values = measures(np.ones((networks, 1), dtype=np.float32))[:, 0]

    def measure_batch(batch: tuple[int, np.random.Generator]) -> Floats:
        count, own_rng = batch
        chosen = own_rng.integers(networks, size=(count, networks)) + networks * np.arange(count)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=count * networks).reshape(count, networks)
        return measures(np.ascontiguousarray(counts.T, dtype=np.float32))

    at_once = max(1, min(_MAX_BATCH // networks, draws))
    batch_sizes = [min(at_once, draws - first) for first in range(0, draws, at_once)]
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        drawn = list(threads.map(measure_batch, zip(batch_sizes, rng.spawn(len(batch_sizes)), strict=True)))
    if not drawn:
        return [Estimate(value, np.asarray(np.nan), np.asarray(np.nan)) for value in values]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.concatenate(drawn, axis=1), [tail, 1 - tail], axis=1)
    return [Estimate(*estimate) for estimate in zip(values, low, high, strict=True)]


class BootstrappedRanks:
    """Measures of many bootstrap draws at once, each of shape (draws,), NaN where undefined.

    Parameters
    ----------
    truth, predicted
        Scores of the same architectures, shape (architectures,), without NaN; a larger score is better.
    """

    def __init__(self, truth: Floats, predicted: Floats) -> None:
        self._truth = truth
        self._pairs = Concordance(predicted, truth)

    def tau(self, counts: DrawCounts) -> Floats:
        """Return Kendall's tau-b (Biometrika 33, 1945)."""
        return _tau(counts, self._pairs.net(counts), *self._untied(counts))

    def taus(self, counts: DrawCounts) -> tuple[Floats, Floats]:
        """Return Kendall's tau-b and the weighted tau, which share most of the computation.

        The weighted tau is Vigna's additive hyperbolic one (WWW 2015), as in `scipy.stats.weightedtau`. The weight of a
        pair is the sum of 1 / rank of its members, where 1 is the best rank. The result is the mean of the tau with
        ranks by true scores and that with ranks by predicted scores.
        """
        net, untied = self._pairs.net(counts), self._untied(counts)
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(counts) + 1))])
        by_rank = (
            _tau(_weights(counts, order, harmonic), net, *untied) for order in (self._pairs.by_x, self._pairs.by_y)
        )
        return _tau(counts, net, *untied), sum(by_rank, np.zeros(counts.shape[1])) / 2

    def _untied(self, counts: DrawCounts) -> tuple[DrawCounts, DrawCounts]:
        """Return the number of architectures of a draw with which each one does not tie, by either score."""
        drawn = counts.sum(axis=0, dtype=np.float32)
        return drawn - self._pairs.x.tied_counts(counts), drawn - self._pairs.y.tied_counts(counts)

    def rho(self, counts: DrawCounts) -> Floats:
        """Return Spearman's rank correlation."""
        x, y = (_centered_ranks(groups, counts) for groups in (self._pairs.x, self._pairs.y))
        weighted = x * counts
        scale = np.sqrt(_total(weighted, x) * _total(y * counts, y))
        return _ratio(_total(weighted, y), scale)

    def precision(self, counts: DrawCounts, share: float) -> Floats:
        """Return the share of the predicted top `share` that is in the true top `share`; both include ties."""
        count = round(share * float(counts[:, 0].sum()))
        predicted, true = (_among_best(groups, counts, count) for groups in (self._pairs.x, self._pairs.y))
        chosen = counts * predicted
        return _total(chosen, true) / chosen.sum(axis=0, dtype=np.float64)

    def regret(self, counts: DrawCounts) -> Floats:
        """Return the true score of the best minus the mean true score of those predicted to be best."""
        predicted, true = (_among_best(groups, counts, 1) for groups in (self._pairs.x, self._pairs.y))
        best = np.where(true & (counts > 0), self._truth[:, None], -np.inf).max(axis=0)
        chosen = counts * predicted
        return best - self._truth @ chosen / chosen.sum(axis=0, dtype=np.float64)


def _tau(weights: np.ndarray, net: DrawCounts, untied_x: DrawCounts, untied_y: DrawCounts) -> Floats:
    """Return the net concordance divided by the number of untied pairs, with a weight for each architecture."""
    return _ratio(_total(weights, net), np.sqrt(_total(weights, untied_x) * _total(weights, untied_y)))


def _weights(counts: DrawCounts, order: np.ndarray, harmonic: Floats) -> Floats:
    """Return the sum of 1 / rank over the copies of each architecture, where the last of the order has rank 1."""
    above = np.cumsum(counts[order[::-1]], axis=0)[::-1].astype(np.int64)
    weights = np.empty(counts.shape)
    weights[order] = harmonic[above] - harmonic[above - counts[order].astype(np.int64)]
    return weights


def _among_best(groups: TieGroups, counts: DrawCounts, count: int) -> np.ndarray:
    """Mark the architectures that fewer than `count` of a draw exceed, shape (architectures, draws)."""
    sizes = groups.sizes(counts)
    better = np.cumsum(sizes[::-1], axis=0)[::-1] - sizes
    return (better < count)[groups.group_of]


def _centered_ranks(groups: TieGroups, counts: DrawCounts) -> Floats:
    """Return the mid-rank of each architecture minus the mean rank, shape (architectures, draws)."""
    sizes = groups.sizes(counts).astype(np.float64)
    middle = np.cumsum(sizes, axis=0) - sizes / 2  # mid-rank of the group, minus 1/2
    return (middle - counts.sum(axis=0, dtype=np.float64) / 2)[groups.group_of]


def _total(a: np.ndarray, b: np.ndarray) -> Floats:
    """Return the sum of products over the architectures, shape (draws,)."""
    return np.einsum("nd,nd->d", a, b, dtype=np.float64)


def _ratio(part: Floats, scale: Floats) -> Floats:
    return np.divide(part, scale, out=np.full(len(scale), np.nan), where=scale > 0)
