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
from lissnas.statistics.concordance import Concordance, Groups, Times
from lissnas.statistics.estimate import CONFIDENCE, Estimate

_NUMBERS_AT_ONCE = 2_000_000
"""Networks times draws of one batch: bounds the memory, and fits the cache."""


@dataclass(frozen=True)
class RankAgreement:
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
) -> RankAgreement:
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
    scores = BootstrappedRanks(truth, predicted)

    def measures(times: Times) -> Floats:
        return np.stack([*scores.taus(times), scores.rho(times), scores.precision(times, share), scores.regret(times)])

    tau, weighted_tau, rho, precision, regret = _bootstrapped(measures, len(truth), rng, draws)
    ties = tied_share(truth), tied_share(predicted)
    return RankAgreement(len(truth), tau, weighted_tau, rho, precision, regret, share, *ties)


def kendall_tau(truth: Floats, predicted: Floats, rng: np.random.Generator, draws: int = 1000) -> Estimate:
    """Return Kendall's tau-b alone, with its interval; takes and raises what `rank_agreement` does."""
    truth, predicted = _both_present(truth, predicted)
    scores = BootstrappedRanks(truth, predicted)
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


class BootstrappedRanks:
    """True and predicted scores of the same networks; every measure is of draws, shape (draws,), NaN where undefined.

    Parameters
    ----------
    truth, predicted
        Shape (networks,), none missing, more being better.
    """

    def __init__(self, truth: Floats, predicted: Floats) -> None:
        self._truth = truth
        self._pairs = Concordance(predicted, truth)

    def tau(self, times: Times) -> Floats:
        """Return Kendall's tau-b (Biometrika 33, 1945)."""
        return _tau(times, self._pairs.net(times), *self._untied(times))

    def taus(self, times: Times) -> tuple[Floats, Floats]:
        """Return Kendall's tau-b and the weighted tau, which share their work.

        The weighted tau is Vigna's additive hyperbolic one (WWW 2015), as `scipy.stats.weightedtau` has it: a pair
        weighs 1 / rank of the one plus 1 / rank of the other, ranks from the best, by the true and by the predicted
        scores; the mean of both.
        """
        net, untied = self._pairs.net(times), self._untied(times)
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(times) * 1.0 + 1))])
        by_rank = (
            _tau(_weights(times, order, harmonic), net, *untied) for order in (self._pairs.by_x, self._pairs.by_y)
        )
        return _tau(times, net, *untied), sum(by_rank, np.zeros(times.shape[1])) / 2

    def _untied(self, times: Times) -> tuple[Times, Times]:
        """Return with how many of a draw each network does not tie, by either score."""
        drawn = times.sum(axis=0, dtype=np.float32)
        return drawn - self._pairs.x.alike(times), drawn - self._pairs.y.alike(times)

    def rho(self, times: Times) -> Floats:
        """Return Spearman's rank correlation."""
        x, y = (_centered_ranks(groups, times) for groups in (self._pairs.x, self._pairs.y))
        weighted = x * times
        scale = np.sqrt(_total(weighted, x) * _total(y * times, y))
        return _ratio(_total(weighted, y), scale)

    def precision(self, times: Times, share: float) -> Floats:
        """Return which share of the predicted top `share` is in the true top `share`; ties with the last are in."""
        count = round(share * float(times[:, 0].sum()))
        predicted, true = (_among_best(groups, times, count) for groups in (self._pairs.x, self._pairs.y))
        chosen = times * predicted
        return _total(chosen, true) / chosen.sum(axis=0, dtype=np.float64)

    def regret(self, times: Times) -> Floats:
        """Return by how much the true best exceeds the mean true score of those predicted best."""
        predicted, true = (_among_best(groups, times, 1) for groups in (self._pairs.x, self._pairs.y))
        best = np.where(true & (times > 0), self._truth[:, None], -np.inf).max(axis=0)
        chosen = times * predicted
        return best - self._truth @ chosen / chosen.sum(axis=0, dtype=np.float64)


def _tau(weights: np.ndarray, net: Times, untied_x: Times, untied_y: Times) -> Floats:
    """Return the share of net concordance among the pairs that do not tie, each network with its weight."""
    return _ratio(_total(weights, net), np.sqrt(_total(weights, untied_x) * _total(weights, untied_y)))


def _weights(times: Times, order: np.ndarray, harmonic: Floats) -> Floats:
    """Return the sum of 1 / rank over the copies of each network, ranks from the last of an order."""
    above = np.cumsum(times[order[::-1]], axis=0)[::-1].astype(np.int64)
    weights = np.empty(times.shape)
    weights[order] = harmonic[above] - harmonic[above - times[order].astype(np.int64)]
    return weights


def _among_best(groups: Groups, times: Times, count: int) -> np.ndarray:
    """Mark the networks that fewer than `count` of a draw are better than, shape (networks, draws)."""
    sizes = groups.sizes(times)
    better = np.cumsum(sizes[::-1], axis=0)[::-1] - sizes
    return (better < count)[groups.of]


def _centered_ranks(groups: Groups, times: Times) -> Floats:
    """Return by how much each network's mean rank in each draw exceeds the mean of all, shape (networks, draws)."""
    sizes = groups.sizes(times).astype(np.float64)
    middle = np.cumsum(sizes, axis=0) - sizes / 2  # half a rank below the mean rank of the group
    return (middle - times.sum(axis=0, dtype=np.float64) / 2)[groups.of]


def _total(a: np.ndarray, b: np.ndarray) -> Floats:
    """Return the sum of products over the networks, shape (draws,)."""
    return np.einsum("nd,nd->d", a, b, dtype=np.float64)


def _ratio(part: Floats, scale: Floats) -> Floats:
    return np.divide(part, scale, out=np.full(len(scale), np.nan), where=scale > 0)
