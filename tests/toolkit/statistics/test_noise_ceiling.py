"""The noise ceiling: what trainings of known expectation allow, whole and within the true top."""

from collections.abc import Callable

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.space import Floats
from lissnas.statistics.noise_ceiling import noise_ceiling, standard_errors
from lissnas.statistics.quality import top
from lissnas_benchmarks.table import Table
from scipy import stats

NETWORKS = 4000


def _everything(scores: Floats) -> np.ndarray:
    return ~np.isnan(scores)


def _best_fifth(scores: Floats) -> np.ndarray:
    return top(scores, 0.2)


def _trained(trainings: int) -> tuple[Floats, Floats]:
    """Expected scores of made-up networks and trainings of them; bad networks spread more."""
    rng = np.random.default_rng(trainings)
    expected = rng.normal(90, 2, NETWORKS)
    spread = 0.2 + 0.1 * np.maximum(94 - expected, 0)
    return expected, expected[:, None] + spread[:, None] * rng.standard_normal((NETWORKS, trainings))


@pytest.mark.parametrize("choose", [_everything, _best_fifth])
@pytest.mark.parametrize("trainings", [2, 3])
def test_the_perfect_predictor_reaches_what_the_expected_scores_do(
    trainings: int, choose: Callable[[Floats], np.ndarray]
) -> None:
    expected, runs = _trained(trainings)
    reported = runs.mean(axis=1)
    chosen = choose(reported)
    found = noise_ceiling(runs, reported, np.full(NETWORKS, trainings), choose, np.random.default_rng(0))
    # Tau of 800 networks has a standard error of about .015; that of the approximation is smaller.
    assert found.perfect == pytest.approx(stats.kendalltau(expected[chosen], reported[chosen]).statistic, abs=0.03)


def test_retrained_is_tau_of_a_training_with_another_within_the_first_ones_top() -> None:
    _, runs = _trained(2)
    found = noise_ceiling(runs, runs.mean(axis=1), np.full(NETWORKS, 2), _best_fifth, np.random.default_rng(0))
    truth, predicted = runs.T
    best = truth >= np.sort(truth)[-NETWORKS // 5]
    assert found.retrained == pytest.approx(stats.kendalltau(truth[best], predicted[best]).statistic, abs=1e-12)


@pytest.mark.parametrize(("twice", "told"), [(9, False), (10, True)])
def test_of_fewer_than_ten_networks_trained_twice_no_tau_is_told(twice: int, told: bool) -> None:
    _, runs = _trained(2)
    runs[twice:, 1] = np.nan
    trainings = np.count_nonzero(~np.isnan(runs), axis=1)
    found = noise_ceiling(runs, np.nanmean(runs, axis=1), trainings, _everything, np.random.default_rng(0))
    assert not np.isnan(found.perfect)
    assert np.isnan(found.retrained) != told


def test_networks_trained_once_take_the_spread_of_those_like_them() -> None:
    expected, runs = _trained(3)
    runs[::2, 1:] = np.nan
    errors = standard_errors(runs, np.nanmean(runs, axis=1), np.where(np.arange(NETWORKS) % 2, 3, 1))
    spread = 0.2 + 0.1 * np.maximum(94 - expected, 0)
    for some, trainings in ((slice(0, None, 2), 1), (slice(1, None, 2), 3)):
        assert errors[some].mean() == pytest.approx(spread[some].mean() / np.sqrt(trainings), rel=0.05)


def test_a_benchmark_of_single_trainings_has_no_ceiling() -> None:
    with pytest.raises(SettingError, match="no network was trained twice"):
        noise_ceiling(np.ones((9, 1)), np.ones(9), np.ones(9), _everything, np.random.default_rng(0))


def test_the_ceiling_of_a_real_benchmark_is_lower_in_its_top(open_table: Callable[[str], Table]) -> None:
    table = open_table("nas-bench-macro")
    runs = table.read([column.name for column in table.columns if column.seed is not None])
    whole, best = (
        noise_ceiling(runs, runs.mean(axis=1), np.full(len(runs), runs.shape[1]), choose, np.random.default_rng(0))
        for choose in (_everything, _best_fifth)
    )
    assert 0.5 < whole.retrained < whole.perfect < 1
    assert best.retrained < whole.retrained
