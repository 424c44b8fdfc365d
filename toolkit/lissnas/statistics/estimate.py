"""Estimates: a figure with its 95 % interval."""

from dataclasses import dataclass

import numpy as np

from lissnas.spaces.space import Floats

CONFIDENCE = 0.95
"""Of every interval in the project."""

_NORMAL = 1.959963984540054
"""The standard normal quantile of 97.5 %."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; scalars, or arrays of one shape."""

    value: Floats
    low: Floats
    high: Floats


def with_error(value: Floats, error: Floats) -> Estimate:
    """Return value ± 1.96 standard errors."""
    return Estimate(value, value - _NORMAL * error, value + _NORMAL * error)


def standard_error(estimate: Estimate) -> Floats:
    """Return the standard error from which `with_error` makes this estimate."""
    error: Floats = (estimate.high - estimate.low) / (2 * _NORMAL)
    return error


def proportion(value: Floats, error: Floats, count: Floats) -> Estimate:
    """Return a proportion with Wilson's interval for as many draws as would give its standard error.

    Where the error is 0, as when nothing was hit, `count` draws are assumed. Wilson, J. Am. Stat. Assoc. 22, 1927.
    """
    variance = value * (1 - value)
    draws = np.where(error > 0, variance / np.where(error > 0, error, 1) ** 2, count)
    spread = _NORMAL**2 / np.maximum(draws, 1)
    middle = (value + spread / 2) / (1 + spread)
    half = np.sqrt(spread * (variance + spread / 4)) / (1 + spread)
    return Estimate(value, np.maximum(middle - half, 0), np.minimum(middle + half, 1))


def jackknife_error(influence: Floats) -> Floats:
    """Return the standard error from the influence of each architecture, over the last axis.

    The infinitesimal jackknife (Jaeckel, 1972): influences are the derivatives of a figure by the weight of each
    architecture.
    """
    error: Floats = np.sqrt((influence**2).sum(axis=-1))
    return error
