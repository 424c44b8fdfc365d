"""Measures of how well predicted scores rank networks, of many bootstrap draws at once."""

import numpy as np

from lissnas.spaces.space import Floats
from lissnas.statistics.concordance import Concordance, Groups, Times


class RankCorrelation:
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
