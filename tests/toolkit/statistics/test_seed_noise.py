"""Seed noise, against simulated trainings of known noise and against plain loops."""

import itertools

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import normal_estimate, standard_error
from lissnas.statistics.seed_noise import disattenuate, noise_share, seed_noise, top_agreement


def _trained(networks: int, runs: int, structure: float, noise: float, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return 90 + structure * rng.normal(size=(networks, 1)) + noise * rng.normal(size=(networks, runs))


def test_noise_and_reliability_of_simulated_trainings_are_recovered() -> None:
    runs = _trained(20_000, 3, 2, 1)
    found = seed_noise(runs, runs.mean(axis=1), np.full(len(runs), 3))
    # The tolerances are five standard errors, which are about 1 % for 20,000 networks.
    assert found.networks == 20_000
    assert found.spread == pytest.approx(1, abs=0.02)
    assert found.difference.value == pytest.approx(2 / np.sqrt(np.pi), abs=0.03)
    assert found.correlation.value == pytest.approx(4 / 5, abs=0.015)
    assert found.reliability.value == pytest.approx(4 / (4 + 1 / 3), abs=0.01)
    assert found.tolerance == pytest.approx(np.sqrt(2 / 3), abs=0.02)


def test_architectures_have_equal_weight_whatever_their_trainings() -> None:
    runs = np.round(_trained(12, 3, 2, 1), 2)
    runs[::3, 1:] = np.nan
    runs[1::3, 0] = np.nan
    found = seed_noise(runs, np.nanmean(runs, axis=1), np.count_nonzero(~np.isnan(runs), axis=1))
    differences, variances = [], []
    for run in runs:
        known = run[~np.isnan(run)]
        if len(known) > 1:
            differences.append(np.mean([abs(a - b) for a, b in itertools.combinations(known, 2)]))
            variances.append(known.var(ddof=1))
    assert found.networks == 8
    assert found.difference.value == pytest.approx(np.mean(differences))
    assert found.spread == pytest.approx(np.sqrt(np.mean(variances)))


def test_the_correlation_of_two_runs_is_pearsons_over_both_orders() -> None:
    runs = _trained(50, 2, 2, 1)
    found = seed_noise(runs, runs.mean(axis=1), np.full(50, 2))
    both = np.concatenate([runs, runs[:, ::-1]])
    assert found.correlation.value == pytest.approx(np.corrcoef(both.T)[0, 1])


@pytest.mark.parametrize("measure", ["difference", "correlation", "reliability"])
def test_interval_widths_match_the_scatter_over_simulations(measure: str) -> None:
    values, errors = [], []
    for seed in range(300):
        runs = _trained(200, 3, 2, 1, seed)
        estimate = getattr(seed_noise(runs, runs.mean(axis=1), np.full(200, 3)), measure)
        values.append(estimate.value)
        errors.append(standard_error(estimate))
    # The scatter over 300 simulations has an error of 4 %; the jackknife is asymptotic in the architectures.
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_trainings_without_noise_have_reliability_1() -> None:
    runs = np.repeat(np.arange(10.0)[:, None], 2, axis=1)
    found = seed_noise(runs, runs.mean(axis=1), np.full(10, 2))
    assert (found.spread, found.correlation.value, found.reliability.value) == pytest.approx((0, 1, 1))


def test_disattenuated_correlations_are_those_of_the_true_scores() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.multivariate_normal([0, 0], [[4, 2], [2, 4]], 100_000).T
    first, second = (scores[:, None] + rng.normal(size=(len(a), 2)) for scores in (a, b))
    runs = np.concatenate([first, second])
    noise = seed_noise(runs, runs[:, 0], np.ones(len(runs)))
    observed = normal_estimate(np.corrcoef(first[:, 0], second[:, 0])[0, 1], 1 / np.sqrt(len(a)))
    found = disattenuate(observed, noise.reliability)
    assert observed.value == pytest.approx(0.4, abs=0.02)
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.low < 0.5 < found.high


def test_the_noise_share_of_two_trainings_of_one_architecture_is_1() -> None:
    assert noise_share(np.array([0.8, 0.4]), np.array(0.8)) == pytest.approx([1, 1 / 3])


def test_top_agreement_matches_a_plain_count() -> None:
    runs = _trained(400, 3, 2, 1)
    runs[7, 2] = np.nan
    rates = []
    for a, b in itertools.permutations(range(3), 2):
        both = [row for row in range(400) if not np.isnan(runs[row, [a, b]]).any()]
        best = [set(sorted(both, key=lambda row, run=run: -runs[row, run])[:20]) for run in (a, b)]
        rates.append(len(best[0] & best[1]) / 20)
    found = top_agreement(runs, (0.05,))
    assert found.value == pytest.approx([np.mean(rates)])
    assert found.low < found.value < found.high


def test_trainings_without_noise_agree_on_the_top() -> None:
    runs = np.repeat(np.arange(100.0)[:, None], 2, axis=1)
    assert top_agreement(runs, (0.01, 0.1)).value.tolist() == [1, 1]


def test_no_seed_in_common_is_refused() -> None:
    with pytest.raises(SettingError, match="two seeds"):
        top_agreement(np.array([[90.0, np.nan], [np.nan, 91.0]]), (0.5,))


def test_fewer_than_two_retrained_architectures_are_refused() -> None:
    runs = np.array([[90.0, 91.0], [92.0, np.nan]])
    with pytest.raises(SettingError, match="1 networks"):
        seed_noise(runs, runs[:, 0], np.ones(2))


def test_two_retrained_architectures_are_enough() -> None:
    runs = np.array([[90.0, 91.0], [92.0, 92.0], [80.0, np.nan]])
    assert seed_noise(runs, runs[:, 0], np.ones(3)).networks == 2
