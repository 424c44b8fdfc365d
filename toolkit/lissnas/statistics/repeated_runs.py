"""Statistics over independent runs: means, paired differences and mean ranks, each with its 95 % interval.

Results of runs are often skewed, because a few runs go badly. Student's interval is symmetric, and then contains the
true mean too rarely. We transform Student's t so that skewness no longer biases it: P. Hall, "On the removal of
skewness by transformation", Journal of the Royal Statistical Society B 54, 1992. For results without skewness this is
Student's interval. `tests/coverage` compares it with Student's interval and with bootstraps.
"""

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import CONFIDENCE, Estimate

MIN_SKEWNESS_RUNS = 5
"""Number of runs from which skewness is estimated; fewer have Student's interval (our own choice)."""


def mean_over_runs(values: Floats) -> Estimate:
    """Return the mean over the first axis, independent runs, with its interval.

    Parameters
    ----------
    values
        Shape (runs, ...).

    The interval is NaN for a single run. Below 5 runs it is Student's. It has no width if all runs are equal.

    Examples
    --------
    >>> found = mean_over_runs(np.array([0.82, 0.80, 0.79, 0.83, 0.40]))
    >>> print(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]")  # Student's would be [0.50, 0.96]
    0.73 [0.17, 0.86]
    """
    runs = len(values)
    mean = values.mean(axis=0)
    if runs < 2:
        return Estimate(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    shifted = values - values[0]  # exactly 0 if all runs are equal
    deviations = shifted - shifted.mean(axis=0)
    spread = np.sqrt((deviations**2).sum(axis=0) / (runs - 1))
    skewness = np.zeros_like(mean)
    if runs >= MIN_SKEWNESS_RUNS:
        cubes = (deviations**3).sum(axis=0) * runs / ((runs - 1) * (runs - 2))
        np.divide(cubes, spread**3, out=skewness, where=spread**3 > 0)
    return estimate_of_mean(mean, spread, skewness, np.asarray(float(runs)))


def estimate_of_mean(mean: Floats, spread: Floats, skewness: Floats, runs: Floats) -> Estimate:
    """Return the mean of independent runs with its interval, from their moments.

    Parameters
    ----------
    mean, spread, skewness
        Mean, standard deviation (of a sample: divided by runs - 1) and skewness (adjusted Fisher-Pearson) of the runs.
    runs
        Number of runs behind each mean, at least 2. With fewer than 5, the skewness is ignored.
    """
    from scipy.special import stdtrit

    error = spread / np.sqrt(runs)
    slope = skewness * (runs >= MIN_SKEWNESS_RUNS) / np.sqrt(runs)
    quantile = np.asarray(stdtrit(runs - 1, (1 + CONFIDENCE) / 2), dtype=np.float64)
    return Estimate(
        mean, mean - error * _untransformed(quantile, slope), mean - error * _untransformed(-quantile, slope)
    )


def _untransformed(quantile: Floats, slope: Floats) -> Floats:
    """Return the t that Hall's transformation takes to a quantile: t + slope t^2 / 3 + slope^2 t^3 / 27 + slope / 6.

    That is ((1 + slope t / 3)^3 - 1) / slope + slope / 6. The inverse below does not divide by the slope.
    """
    shifted = quantile - slope / 6
    root = np.cbrt(1 + slope * shifted)
    t: Floats = 3 * shifted / (root**2 + root + 1)
    return t


def paired_difference(first: Floats, second: Floats) -> Estimate:
    """Return the mean of `first` - `second` over runs, both of shape (runs, ...), with its interval.

    Pairing removes what both share in a run, such as its random sample, from the width of the interval. Raises
    SettingError if the shapes differ.
    """
    if first.shape != second.shape:
        raise SettingError(f"values of shape {first.shape} and {second.shape} are not of the same runs")
    return mean_over_runs(first - second)


def mean_ranks(values: Floats) -> Estimate:
    """Return the mean rank of each item, shape (items,), where 1 is the best; ties share their mean rank.

    Parameters
    ----------
    values
        Shape (runs, conditions, items); a larger value is better. Items are ranked within each run and condition. Runs
        must be independent; the conditions of one run need not be.
    """
    from scipy.stats import rankdata

    ranks = mean_over_runs(rankdata(-values, axis=-1).mean(axis=1))
    return Estimate(ranks.value, np.maximum(ranks.low, 1), np.minimum(ranks.high, values.shape[-1]))
