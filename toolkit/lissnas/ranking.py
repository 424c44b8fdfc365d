"""How well predicted scores rank networks: Kendall's tau-b, Spearman's rho, precision at the top, regret.

Intervals are percentiles of a bootstrap over networks. Draws are not made one by one: a draw is a vector of how often
each network occurs in it, and many draws go through one merge sort together, batches of them on all cores.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.estimate import CONFIDENCE, Estimate
from lissnas.quality import top
from lissnas.space import Floats, Indices

_DRAWS_AT_ONCE = 64
"""How many draws are sorted together: bounds the memory to this many times the networks, and fits the cache."""


@dataclass(frozen=True)
class Ranking:
    """How well predicted scores agree with true ones on one set of networks.

    Attributes
    ----------
    networks
        How many networks both have scores of.
    tau
        Kendall's tau-b, with its interval.
    rho
        Spearman's rank correlation, with its interval.
    precision
        The share of the predicted top `share` that is in the true top `share`.
    regret
        By how much the true best exceeds the true score of the predicted best, in the scores' unit.
    share
        What counts as top.
    """

    networks: int
    tau: Estimate
    rho: Estimate
    precision: float
    regret: float
    share: float


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
        If fewer than two networks have both scores, or all scores of one kind are equal.
    """
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise SettingError(f"true scores of shape {truth.shape} and predicted ones of shape {predicted.shape}")
    both = ~(np.isnan(truth) | np.isnan(predicted))
    truth, predicted = truth[both], predicted[both]
    for name, scores in (("true", truth), ("predicted", predicted)):
        if len(np.unique(scores)) < 2:
            raise SettingError(f"{len(scores)} {name} scores, all equal: they rank nothing")
    best_predicted = truth[predicted == predicted.max()]
    return Ranking(
        networks=len(truth),
        tau=_bootstrapped(kendall_tau, truth, predicted, rng, draws),
        rho=_bootstrapped(spearman_rho, truth, predicted, rng, draws),
        precision=float(top(truth, share)[top(predicted, share)].mean()),
        regret=float(truth.max() - best_predicted.mean()),
        share=share,
    )


def _bootstrapped(
    measure: Callable[[Floats, Floats, NDArray[np.int32]], Floats],
    truth: Floats,
    predicted: Floats,
    rng: np.random.Generator,
    draws: int,
) -> Estimate:
    """Return a measure with the percentiles of its bootstrap draws."""
    networks = len(truth)
    [value] = measure(truth, predicted, np.ones((networks, 1), dtype=np.int32))

    def of_batch(batch: tuple[int, np.random.Generator]) -> Floats:
        count, own_rng = batch
        chosen = own_rng.integers(networks, size=(count, networks)) + networks * np.arange(count)[:, None]
        times = np.bincount(chosen.ravel(), minlength=count * networks).reshape(count, networks)
        return measure(truth, predicted, np.ascontiguousarray(times.T, dtype=np.int32))

    counts = [min(_DRAWS_AT_ONCE, draws - first) for first in range(0, draws, _DRAWS_AT_ONCE)]
    with ThreadPoolExecutor() as threads:
        drawn = list(threads.map(of_batch, zip(counts, rng.spawn(len(counts)), strict=True)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.concatenate(drawn), [tail, 1 - tail]) if drawn else (np.nan, np.nan)
    return Estimate(np.asarray(value), np.asarray(low), np.asarray(high))


def kendall_tau(truth: Floats, predicted: Floats, times: NDArray[np.int32]) -> Floats:
    """Return Kendall's tau-b of draws in which network i occurs `times[i, draw]` times, shape (draws,).

    Kendall, Biometrika 33, 1945; discordant pairs are counted by merge sort as in Knight, J. Am. Stat. Assoc. 61, 1966.
    """
    x, y = _dense_ranks(truth), _dense_ranks(predicted)
    order = np.lexsort((y, x))
    x, y, times = x[order], y[order], times[order]
    discordant = np.zeros(times.shape[1], dtype=np.int64)
    width = 1
    while width < len(y):
        discordant += _discordant_across(y, times, width)
        width *= 2
    drawn = times.sum(axis=0, dtype=np.int64)
    pairs = drawn * (drawn - 1) // 2
    tied_x, tied_y = _tied_pairs(x, times), _tied_pairs(y, times)
    tied_both = _tied_pairs(x * len(y) + y, times)
    concordant = pairs - discordant - tied_x - tied_y + tied_both
    scale = np.sqrt((pairs - tied_x).astype(np.float64) * (pairs - tied_y))
    return np.divide(concordant - discordant, scale, out=np.full(len(scale), np.nan), where=scale > 0)


def _discordant_across(y: Indices, times: NDArray[np.int32], width: int) -> NDArray[np.int64]:
    """Count pairs whose first lies in the left and second in the right half of a block of 2 * width, y falling."""
    place = np.arange(len(y))
    block, in_right = place // (2 * width), place // width % 2 == 1
    order = np.lexsort((in_right, y, block))
    in_right = in_right[order]
    left, right = order[~in_right], order[in_right]
    left_so_far = np.zeros((len(left) + 1, times.shape[1]), dtype=np.int32)
    np.cumsum(times[left], axis=0, out=left_so_far[1:])
    lefts_before = np.cumsum(~in_right)[in_right]
    lefts_of_block = np.searchsorted(block[left], block[right], side="right")
    larger_on_the_left = left_so_far[lefts_of_block] - left_so_far[lefts_before]
    return np.einsum("nd,nd->d", larger_on_the_left, times[right], dtype=np.int64)


def _tied_pairs(groups: Indices, times: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count pairs of one group, those of a network with itself too, shape (draws,)."""
    sizes = _group_sizes(groups, times)
    return np.einsum("gd,gd->d", sizes, sizes - 1, dtype=np.int64) // 2


def _group_sizes(groups: Indices, times: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many networks of each group are in each draw, groups ascending, shape (groups, draws)."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    if len(starts) == len(groups):
        return times[order].astype(np.int64)
    return np.add.reduceat(times[order], starts, axis=0, dtype=np.int64)


def _dense_ranks(scores: Floats) -> Indices:
    return np.unique(scores, return_inverse=True)[1].astype(np.int64)


def spearman_rho(truth: Floats, predicted: Floats, times: NDArray[np.int32]) -> Floats:
    """Return Spearman's rho of draws in which network i occurs `times[i, draw]` times, shape (draws,)."""
    x, y = (_centred_ranks(_dense_ranks(scores), times) for scores in (truth, predicted))
    weighted = x * times
    scale = np.sqrt(np.einsum("nd,nd->d", weighted, x) * np.einsum("nd,nd,nd->d", y, y, times))
    return np.divide(np.einsum("nd,nd->d", weighted, y), scale, out=np.full(len(scale), np.nan), where=scale > 0)


def _centred_ranks(groups: Indices, times: NDArray[np.int32]) -> Floats:
    """Return by how much each network's mean rank in each draw exceeds the mean of all, shape (n, draws)."""
    sizes = _group_sizes(groups, times)
    middle = np.cumsum(sizes, axis=0) - sizes / 2  # half a rank below the mean rank of the group
    return (middle - times.sum(axis=0) / 2)[groups]
