"""Noise ceiling: the maximum Kendall tau that the training noise of a benchmark allows a predictor.

All of it is our own definition. `retrained` uses one training of each architecture as the truth and another as the
predictor. `perfect` is what a predictor reaches that knows the expected score of each architecture; it follows from the
spread between trainings. Both use the same evaluation set as every predictor. Where that set is the true top, the
training that is the truth selects it, because the other training cannot know the noise of the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats

_BINS = 50
"""Number of groups of similar score over which the spread between trainings is pooled (our own choice)."""

_DRAWS = 20
"""Number of draws of the noise for the tau of the perfect predictor: their mean varies by a few thousandths."""

_MIN_NETWORKS = 10
"""Below this many architectures tau is reported as NaN (our own choice)."""

Choice = Callable[[Floats], NDArray[np.bool_]]
"""Marks the architectures of an evaluation set, given the true scores: shape (n,) to shape (n,)."""


@dataclass(frozen=True)
class NoiseCeiling:
    """The maximum Kendall tau-b on one evaluation set.

    Attributes
    ----------
    retrained
        Tau of one training as the predictor of an earlier one, the mean over all pairs of trainings. NaN if fewer than
        ten architectures were trained twice.
    perfect
        Tau of the expected score as the predictor of the reported mean. It is too high where architectures differ by
        noise alone. NaN for fewer than ten architectures.
    """

    retrained: float
    perfect: float


def noise_ceiling(
    runs: Floats, reported: Floats, trainings: Floats, choose: Choice, rng: np.random.Generator
) -> NoiseCeiling:
    """Return the noise ceiling of an evaluation set.

    Parameters
    ----------
    runs
        The score of every training, shape (n, trainings); NaN where an architecture has fewer trainings.
    reported
        The mean scores that predictors are compared with, shape (n,); NaN where missing.
    trainings
        Number of trainings behind each reported score, shape (n,).
    choose
        Marks the evaluation set: the same for all scores, or the true top.
    rng
        The source of the noise.

    Raises
    ------
    SettingError
        If no architecture was trained twice.

    A perfect predictor differs from the reported mean by the noise of that mean. To first order, adding equal noise to
    the reported scores gives the same tau, so that is what we measure. Where the architectures of the set differ by no
    more than the noise, as the very best do, the result is too high by up to 0.1 or 0.2.
    """
    taus = [
        _tau(runs[:, one], runs[:, other], choose)
        for one in range(runs.shape[1])
        for other in range(one + 1, runs.shape[1])
    ]
    error = standard_errors(runs, reported, trainings)
    noisy = (reported + error * rng.standard_normal(len(reported)) for _ in range(_DRAWS))
    return NoiseCeiling(
        retrained=float(np.mean(taus)), perfect=float(np.mean([_tau(reported, scores, choose) for scores in noisy]))
    )


def standard_errors(runs: Floats, reported: Floats, trainings: Floats) -> Floats:
    """Return the standard error of each reported mean, shape (n,).

    The variance between trainings is pooled over 50 groups of similar reported score. The two or three trainings of one
    architecture would say little about it, and collapsed architectures vary more than good ones. Raises SettingError if
    no architecture was trained twice.
    """
    repeated = (np.count_nonzero(~np.isnan(runs), axis=1) >= 2) & ~np.isnan(reported)
    if not repeated.any():
        raise SettingError("no network was trained twice: the benchmark has no noise ceiling")
    order = np.flatnonzero(repeated)[np.argsort(reported[repeated], kind="stable")]
    variance = np.nanvar(runs[order], axis=1, ddof=1)
    groups = np.array_split(np.arange(len(order)), min(_BINS, len(order)))
    pooled = np.concatenate([np.full(len(group), variance[group].mean()) for group in groups])
    return np.sqrt(np.interp(reported, reported[order], pooled) / trainings)


def _tau(truth: Floats, predicted: Floats, choose: Choice) -> float:
    """Return tau-b of the chosen architectures that have both scores; NaN if they are too few or all tie."""
    from scipy.stats import kendalltau

    chosen = choose(truth) & ~(np.isnan(truth) | np.isnan(predicted))
    if np.count_nonzero(chosen) < _MIN_NETWORKS:
        return float("nan")
    return float(kendalltau(truth[chosen], predicted[chosen]).statistic)
