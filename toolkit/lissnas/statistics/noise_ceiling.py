"""Noise ceiling: how well a benchmark ranks its networks itself, the most that may be asked of a predictor.

All of it is our own definition. Where several trainings of each network are known, one is the truth and another the
predictor; and what a predictor would reach that knows each network's expected score follows from how far trainings
spread. Both go through the same choice of networks as every predictor: within the true top, the training that is the
truth chooses, as nothing else would be fair to a training that does not know the other's luck.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats

_BINS = 50
"""Into how many groups of like score the networks are cut to tell how far trainings spread there."""

_DRAWS = 20
"""Over how many draws of the noise the perfect predictor's tau is averaged: it then moves by a few thousandths."""

_FEWEST = 10
"""From fewer networks no tau is told (our own choice)."""

Choice = Callable[[Floats], NDArray[np.bool_]]
"""Which networks a set holds, given the scores that are taken as true; shape (n,) to shape (n,)."""


@dataclass(frozen=True)
class NoiseCeiling:
    """Kendall's tau-b that the trainings of a benchmark allow on one set of networks.

    Attributes
    ----------
    retrained
        Of one training as the predictor of an earlier one, the mean over all pairs of trainings; NaN where fewer than
        ten networks were trained twice.
    perfect
        Of the expected score as the predictor of the reported mean; too high where networks differ by noise alone. NaN
        for fewer than ten networks.
    """

    retrained: float
    perfect: float


def noise_ceiling(
    runs: Floats, reported: Floats, trainings: Floats, choose: Choice, rng: np.random.Generator
) -> NoiseCeiling:
    """Return the noise ceiling of a set of networks.

    Parameters
    ----------
    runs
        The score of every training, shape (n, trainings); NaN where a network was not trained so often.
    reported
        The means over trainings that predictors are held against, shape (n,); NaN where missing.
    trainings
        Over how many trainings each reported score is the mean, shape (n,).
    choose
        Which networks the set holds: the same for all scores, or those of the true top.
    rng
        For the noise.

    Raises
    ------
    SettingError
        If no network was trained twice.

    A perfect predictor differs from the reported mean by that mean's noise. To first order it makes no difference to
    which of the two the noise is added: noise as large is added to the reported scores, and tau measured. Where the
    networks of the set differ by no more than the noise, as the very best do, this is too high by up to a tenth or two.
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
    """Return how far each reported mean lies from its expectation, one standard deviation, shape (n,).

    The variance between trainings is pooled over networks of like reported score, of which 50 groups are made: one
    network's own two or three trainings would say little of it, and collapsed networks spread more than good ones.
    Raises SettingError if no network was trained twice.
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
    """Return tau-b of the chosen networks that have both scores; NaN where they rank nothing, or are too few."""
    from scipy.stats import kendalltau

    chosen = choose(truth) & ~(np.isnan(truth) | np.isnan(predicted))
    if np.count_nonzero(chosen) < _FEWEST:
        return float("nan")
    return float(kendalltau(truth[chosen], predicted[chosen]).statistic)
