"""Seed noise: how much two trainings of one architecture differ, and how much of a locality measure that explains.

Two trainings of one architecture are a pair at distance 0. The correlation of their scores is the reliability of one
training; the reliability of a mean over trainings follows from it. The correlation between architectures cannot exceed
the reliability of their scores. Dividing by the reliability gives the correlation without noise (disattenuation:
Spearman, American Journal of Psychology 15, 1904). Judging locality by it is our own choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate, normal_estimate, standard_error, wilson_estimate
from lissnas.statistics.quality import is_top


@dataclass(frozen=True)
class SeedNoise:
    """How similar the scores of several trainings of one architecture are.

    Attributes
    ----------
    networks
        Number of architectures trained more than once.
    spread
        Standard deviation of a training around the mean of its architecture, in the unit of the scores.
    difference
        Mean absolute difference of two trainings of one architecture.
    correlation
        Correlation of two trainings of one architecture: the reliability of a single training.
    reliability
        Share of the variance of the reported scores, which are means over trainings, that is not noise.
    tolerance
        Standard deviation of the difference of two reported scores of one architecture, in the unit of the scores.
    """

    networks: int
    spread: float
    difference: Estimate
    correlation: Estimate
    reliability: Estimate
    tolerance: float


def seed_noise(runs: Floats, reported: Floats, trainings: Floats) -> SeedNoise:
    """Return the noise of training, measured on the architectures that were trained several times.

    Parameters
    ----------
    runs
        The score of every training, shape (n, runs); NaN where an architecture has fewer trainings.
    reported
        The mean scores whose reliability to measure, shape (n,); NaN where missing.
    trainings
        Number of trainings behind each reported score, shape (n,).

    Raises
    ------
    SettingError
        If fewer than two architectures were trained more than once.

    Every architecture has the same weight, whatever its number of trainings. Intervals are the jackknife over
    architectures.
    """
    known = ~np.isnan(runs)
    repeated = np.count_nonzero(known, axis=1) >= 2
    networks = int(np.count_nonzero(repeated))
    if networks < 2:
        raise SettingError(f"{networks} networks were trained more than once: too few to tell noise from structure")
    runs, known = runs[repeated], known[repeated]
    count = known.sum(axis=1)
    pairs = count * (count - 1)
    filled = np.where(known, runs - np.nanmean(runs), 0)

    means = filled.sum(axis=1) / count
    within = np.where(known, filled - means[:, None], 0)
    variances = (within**2).sum(axis=1) / (count - 1)
    noise = variances.mean()

    # In sorted order, value i of m exceeds i values and is below m - 1 - i: all differences add up to one sum.
    ranked = np.nan_to_num(np.sort(np.where(known, filled, np.nan), axis=1))
    gaps = (ranked * (2 * np.arange(runs.shape[1]) - count[:, None] + 1)).sum(axis=1) * 2 / pairs
    difference = gaps.mean()

    centered = np.where(known, filled - means.mean(), 0)
    squares_by_network = (centered**2).sum(axis=1) / count
    products = (centered.sum(axis=1) ** 2 - (centered**2).sum(axis=1)) / pairs
    correlation = products.mean() / squares_by_network.mean()
    correlation_influence = (products - correlation * squares_by_network) / (networks * squares_by_network.mean())

    is_reported = ~np.isnan(reported)
    noise_of_a_mean = 1 / trainings[is_reported]
    squares = (reported[is_reported] - reported[is_reported].mean()) ** 2
    variance = squares.mean()
    noise_share = noise * noise_of_a_mean.mean() / variance
    # Noise and variance are means over two sets of architectures, which overlap where an architecture was retrained.
    influence = np.zeros(len(is_reported))
    influence[repeated] += noise_share * (variances - noise) / (noise * networks) if noise > 0 else 0
    influence[is_reported] -= noise_share * (squares - variance) / (variance * len(squares))
    return SeedNoise(
        networks=networks,
        spread=float(np.sqrt(noise)),
        difference=normal_estimate(difference, np.sqrt(((gaps - difference) ** 2).sum()) / networks),
        correlation=normal_estimate(correlation, np.sqrt((correlation_influence**2).sum())),
        reliability=normal_estimate(1 - noise_share, np.sqrt((influence**2).sum())),
        tolerance=float(np.sqrt(2 * noise * noise_of_a_mean.mean())),
    )


def top_agreement(runs: Floats, shares: Sequence[float]) -> Estimate:
    """Return the probability that an architecture in the top of one training is in the top of another, (shares,).

    Parameters
    ----------
    runs
        Shape (n, runs). A column has the trainings of one seed; NaN where an architecture was not trained with it.
    shares
        The top shares, of the architectures that both trainings have.

    Raises
    ------
    SettingError
        If no architecture was trained with two seeds.

    This is P(top q) at distance 0. It is the mean over all ordered pairs of columns that share an architecture. The
    interval is Wilson's, for as many draws as a column has top architectures on average.
    """
    rates, counts = [], []
    for a, b in permutations(range(runs.shape[1]), 2):
        both = ~np.isnan(runs[:, [a, b]]).any(axis=1)
        if both.any():
            first, second = (np.stack([is_top(runs[both, run], share) for share in shares]) for run in (a, b))
            rates.append((first & second).sum(axis=1) / first.sum(axis=1))
            counts.append(first.sum(axis=1))
    if not rates:
        raise SettingError("no network was trained with two seeds: the agreement of trainings is unknown")
    return wilson_estimate(np.mean(rates, axis=0), np.zeros(len(shares)), np.mean(counts, axis=0))


def disattenuate(correlation: Estimate, reliability: Estimate) -> Estimate:
    """Return what a correlation of reported scores would be without the noise of training.

    The errors of both are assumed to be independent (our own simplification). The result may exceed 1 by chance.
    """
    value = correlation.value / reliability.value
    error = np.hypot(standard_error(correlation), value * standard_error(reliability))
    return normal_estimate(value, error / reliability.value)


def noise_share(correlation: Floats, reliability: Floats) -> Floats:
    """Return the share of the squared difference of two architectures that is training noise.

    (1 - reliability) / (1 - correlation): two trainings of one architecture differ by noise alone, so their share is 1.
    """
    return (1 - reliability) / (1 - correlation)
