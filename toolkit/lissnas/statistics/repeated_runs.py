"""Statistics over independent runs: the mean, a paired difference, and mean ranks, each with its 95 % interval."""

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import CONFIDENCE, Estimate

BOOTSTRAP_DRAWS = 2000
"""Number of bootstrap draws for the intervals of mean ranks (our own choice)."""


def mean_over_runs(values: Floats) -> Estimate:
    """Return the mean over the first axis, independent runs, with Student's interval (NaN for a single run)."""
    from scipy.special import stdtrit

    runs = len(values)
    mean = values.mean(axis=0)
    if runs < 2:
        return Estimate(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    half = stdtrit(runs - 1, (1 + CONFIDENCE) / 2) * values.std(axis=0, ddof=1) / np.sqrt(runs)
    return Estimate(mean, mean - half, mean + half)


def paired_difference(first: Floats, second: Floats) -> Estimate:
    """Return the mean of `first` - `second` over runs, both of shape (runs, ...), with Student's interval.

    Pairing removes what both share in a run, such as its random sample, from the width of the interval. Raises
    SettingError if the shapes differ.
    """
    if first.shape != second.shape:
        raise SettingError(f"values of shape {first.shape} and {second.shape} are not of the same runs")
    return mean_over_runs(first - second)


def mean_ranks(values: Floats, rng: np.random.Generator) -> Estimate:
    """Return the mean rank of each item, shape (items,), where 1 is the best; ties share their mean rank.

    Parameters
    ----------
    values
        Shape (runs, conditions, items); a larger value is better. Items are ranked within each run and condition. Runs
        must be independent; the conditions of one run need not be.
    rng
        The source of the bootstrap draws. The interval is the percentiles of the mean over runs that are drawn with
        replacement.
    """
    from scipy.stats import rankdata

    ranks = rankdata(-values, axis=-1).mean(axis=1)
    runs = len(ranks)
    times = rng.multinomial(runs, np.full(runs, 1 / runs), size=BOOTSTRAP_DRAWS)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(times @ ranks / runs, [tail, 1 - tail], axis=0)
    return Estimate(ranks.mean(axis=0), low, high)
