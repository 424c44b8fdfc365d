"""The noise ceiling, against simulated trainings whose expected scores are known."""

from collections.abc import Callable

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.noise_ceiling import noise_ceiling, standard_errors
from lissnas.statistics.quality import is_top
from lissnas_benchmarks.table import Table
from scipy import stats

NETWORKS = 4000


def _all_measured(scores: Floats) -> np.ndarray:
    return ~np.isnan(scores)


def _best_fifth(scores: Floats) -> np.ndarray:
    return is_top(scores, 0.2)


def _trained(trainings: int) -> tuple[Floats, Floats]:
    """Return simulated expected scores, and trainings of them that vary more for bad architectures."""
    rng = np.random.default_rng(trainings)
    expected = rng.normal(90, 2, NETWORKS)
    spread = 0.2 + 0.1 * np.maximum(94 - expected, 0)
    return expected, expected[:, None] + spread[:, None] * rng.standard_normal((NETWORKS, trainings))


@pytest.mark.parametrize("choose", [_all_measured, _best_fifth])
@pytest.mark.parametrize("trainings", [2, 3])
def test_the_perfect_predictor_has_the_tau_of_the_expected_scores(
    trainings: int, choose: Callable[[Floats], np.ndarray]
) -> None:
    expected, runs = _trained(trainings)
    reported = runs.mean(axis=1)
    chosen = choose(reported)
    found = noise_ceiling(runs, reported, np.full(NETWORKS, trainings), choose, np.random.default_rng(0))
    # Tau of 800 networks has a standard error of about 0.015; that of the approximation is smaller.
    assert found.perfect == pytest.approx(stats.kendalltau(expected[chosen], reported[chosen]).statistic, abs=0.03)


def test_retrained_is_the_tau_of_two_trainings_within_the_top_of_the_first() -> None:
    _, runs = _trained(2)
    found = noise_ceiling(runs, runs.mean(axis=1), np.full(NETWORKS, 2), _best_fifth, np.random.default_rng(0))
    truth, predicted = runs.T
    best = truth >= np.sort(truth)[-NETWORKS // 5]
    assert found.retrained == pytest.approx(stats.kendalltau(truth[best], predicted[best]).statistic, abs=1e-12)


@pytest.mark.parametrize(("twice", "has_tau"), [(9, False), (10, True)])
def test_tau_is_nan_below_ten_architectures_trained_twice(twice: int, has_tau: bool) -> None:
    _, runs = _trained(2)
    runs[twice:, 1] = np.nan
    trainings = np.count_nonzero(~np.isnan(runs), axis=1)
    found = noise_ceiling(runs, np.nanmean(runs, axis=1), trainings, _all_measured, np.random.default_rng(0))
    assert not np.isnan(found.perfect)
    assert np.isnan(found.retrained) != has_tau


def test_architectures_trained_once_get_the_spread_of_similar_ones() -> None:
    expected, runs = _trained(3)
    runs[::2, 1:] = np.nan
    errors = standard_errors(runs, np.nanmean(runs, axis=1), np.where(np.arange(NETWORKS) % 2, 3, 1))
    spread = 0.2 + 0.1 * np.maximum(94 - expected, 0)
    for some, trainings in ((slice(0, None, 2), 1), (slice(1, None, 2), 3)):
        assert errors[some].mean() == pytest.approx(spread[some].mean() / np.sqrt(trainings), rel=0.05)


def test_a_benchmark_of_single_trainings_is_refused() -> None:
    with pytest.raises(SettingError, match="no network was trained twice"):
        noise_ceiling(np.ones((9, 1)), np.ones(9), np.ones(9), _all_measured, np.random.default_rng(0))


def test_the_ceiling_of_a_real_benchmark_is_lower_in_its_top(open_table: Callable[[str], Table]) -> None:
    table = open_table("nas-bench-macro")
    runs = table.read([column.name for column in table.columns if column.seed is not None])
    overall, top_fifth = (
        noise_ceiling(runs, runs.mean(axis=1), np.full(len(runs), runs.shape[1]), choose, np.random.default_rng(0))
        for choose in (_all_measured, _best_fifth)
    )
    assert 0.5 < overall.retrained < overall.perfect < 1
    assert top_fifth.retrained < overall.retrained
