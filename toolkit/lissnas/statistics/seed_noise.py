"""Seed noise: how far two trainings of one network differ, and how much of a locality figure that explains.

Two trainings of one network are a pair at distance 0. How their scores correlate is the reliability of one training;
that of a mean over trainings follows from it. A correlation of networks is at most as high as their scores are
reliable: dividing it by the reliability says what it would be without noise (disattenuation: Spearman, American Journal
of Psychology 15, 1904). To judge locality by it is our own choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate, proportion, standard_error, with_error
from lissnas.statistics.quality import top


@dataclass(frozen=True)
class SeedNoise:
    """How alike the trainings of one network score.

    Attributes
    ----------
    networks
        How many networks were trained more than once.
    spread
        The standard deviation of a training around the mean of its network, in the scores' unit.
    difference
        The mean absolute difference of two trainings of one network.
    correlation
        The correlation of two trainings of one network: the reliability of a single training.
    reliability
        The share of the variance of the reported scores, means over trainings, that is not noise.
    tolerance
        The standard deviation of the difference of two reported scores of one network, in the scores' unit.
    """

    networks: int
    spread: float
    difference: Estimate
    correlation: Estimate
    reliability: Estimate
    tolerance: float


def seed_noise(runs: Floats, reported: Floats, trainings: Floats) -> SeedNoise:
    """Measure the noise of training from networks that were trained several times.

    Parameters
    ----------
    runs
        The score of every training, shape (n, runs); NaN where a network was not trained so often.
    reported
        The scores whose reliability is asked for, shape (n,); NaN where missing.
    trainings
        Over how many trainings each reported score is the mean, shape (n,).

    Raises
    ------
    SettingError
        If fewer than two networks were trained more than once.

    Every network counts the same, however often it was trained. Intervals are the jackknife over networks.
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

    # In order, the i-th of m exceeds i and is exceeded by m - 1 - i: the sum of all differences is one plain sum.
    ranked = np.nan_to_num(np.sort(np.where(known, filled, np.nan), axis=1))
    gaps = (ranked * (2 * np.arange(runs.shape[1]) - count[:, None] + 1)).sum(axis=1) * 2 / pairs
    difference = gaps.mean()

    centered = np.where(known, filled - means.mean(), 0)
    own = (centered**2).sum(axis=1) / count
    products = (centered.sum(axis=1) ** 2 - (centered**2).sum(axis=1)) / pairs
    correlation = products.mean() / own.mean()
    correlation_influence = (products - correlation * own) / (networks * own.mean())

    there = ~np.isnan(reported)
    noise_of_a_mean = 1 / trainings[there]
    squares = (reported[there] - reported[there].mean()) ** 2
    variance = squares.mean()
    noise_share = noise * noise_of_a_mean.mean() / variance
    # The noise and the variance are means over networks; their networks are the same where all were trained again.
    influence = np.zeros(len(there))
    influence[repeated] += noise_share * (variances - noise) / (noise * networks) if noise > 0 else 0
    influence[there] -= noise_share * (squares - variance) / (variance * len(squares))
    return SeedNoise(
        networks=networks,
        spread=float(np.sqrt(noise)),
        difference=with_error(difference, np.sqrt(((gaps - difference) ** 2).sum()) / networks),
        correlation=with_error(correlation, np.sqrt((correlation_influence**2).sum())),
        reliability=with_error(1 - noise_share, np.sqrt((influence**2).sum())),
        tolerance=float(np.sqrt(2 * noise * noise_of_a_mean.mean())),
    )


def top_agreement(runs: Floats, shares: Sequence[float]) -> Estimate:
    """Return how likely a network that one training puts among the best is put there by another, shape (shares,).

    Parameters
    ----------
    runs
        Shape (n, runs): a column are trainings of the same seed; NaN where a network was not trained with it.
    shares
        Which best shares to follow, of the networks that both trainings know.

    Raises
    ------
    SettingError
        If no network was trained with two seeds.

    It is P(top q) at distance 0. The mean over all ordered pairs of columns that know a network in common; Wilson's
    interval for as many draws as one column has top networks on average.
    """
    rates, counts = [], []
    for a, b in permutations(range(runs.shape[1]), 2):
        both = ~np.isnan(runs[:, [a, b]]).any(axis=1)
        if both.any():
            first, second = (np.stack([top(runs[both, run], share) for share in shares]) for run in (a, b))
            rates.append((first & second).sum(axis=1) / first.sum(axis=1))
            counts.append(first.sum(axis=1))
    if not rates:
        raise SettingError("no network was trained with two seeds: what trainings agree on cannot be told")
    return proportion(np.mean(rates, axis=0), np.zeros(len(shares)), np.mean(counts, axis=0))


def disattenuate(correlation: Estimate, reliability: Estimate) -> Estimate:
    """Return a correlation of reported scores as it would be without the noise of training.

    The errors of the two are taken as independent (our own simplification). The result may exceed 1 by chance.
    """
    value = correlation.value / reliability.value
    error = np.hypot(standard_error(correlation), value * standard_error(reliability))
    return with_error(value, error / reliability.value)


def noise_share(correlation: Floats, reliability: Floats) -> Floats:
    """Return which share of the squared difference of two networks is the noise of training, given their correlation.

    (1 - reliability) / (1 - correlation): between two trainings of one network the difference is noise alone.
    """
    return (1 - reliability) / (1 - correlation)
