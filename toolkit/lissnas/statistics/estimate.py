"""Estimate: a value with its 95 % confidence interval."""

from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats

CONFIDENCE = 0.95
"""Confidence level of every interval in the project."""

_NORMAL = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its 95 % interval: scalars, or arrays of the same shape."""

    value: Floats
    low: Floats
    high: Floats


def normal_estimate(value: Floats, error: Floats) -> Estimate:
    """Return the estimate whose interval is `value` ± 1.96 standard errors."""
    return Estimate(value, value - _NORMAL * error, value + _NORMAL * error)


def standard_error(estimate: Estimate) -> Floats:
    """Return the standard error of an estimate that `normal_estimate` made."""
    error: Floats = (estimate.high - estimate.low) / (2 * _NORMAL)
    return error


def wilson_estimate(value: Floats, error: Floats, count: Floats) -> Estimate:
    """Return a proportion with Wilson's interval, for the number of draws that its standard error implies.

    Where the error is 0, as for a proportion of 0, the interval assumes `count` draws. Wilson, J. Am. Stat. Assoc. 22,
    1927.
    """
    variance = value * (1 - value)
    draws = np.where(error > 0, variance / np.where(error > 0, error, 1) ** 2, count)
    spread = _NORMAL**2 / np.maximum(draws, 1)
    middle = (value + spread / 2) / (1 + spread)
    half = np.sqrt(spread * (variance + spread / 4)) / (1 + spread)
    return Estimate(value, np.maximum(middle - half, 0), np.minimum(middle + half, 1))


def jackknife_error(influence: Floats) -> Floats:
    """Return the standard error of a measure from the influence of each architecture, which is the last axis.

    The infinitesimal jackknife (Jaeckel, 1972): the influence of an architecture is the derivative of the measure with
    respect to its weight.
    """
    error: Floats = np.sqrt((influence**2).sum(axis=-1))
    return error
