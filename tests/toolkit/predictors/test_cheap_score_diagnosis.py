"""The diagnosis of cheap scores from a few true accuracies."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.cheap_score_diagnosis import diagnose_cheap_scores, gain_at_the_top
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import fit_gaussian_process, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows

SPACE = macro()
NOISE: Floats = np.random.default_rng(0).normal(size=SPACE.size)
HIDDEN: Floats = np.random.default_rng(1).normal(size=SPACE.size)


def _accuracy(rows: Rows) -> Floats:
    """Return a sum of the genes and of a hidden term that only a cheap score can know."""
    return rows.astype(np.float64).sum(axis=1) / 2 + 2 * HIDDEN[SPACE.index(rows)]


def _verdicts(cheap: Evaluator) -> list[str]:
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows = SPACE.sample(50, rng)
        found.append(diagnose_cheap_scores(SPACE, rows, _accuracy(rows), [cheap], rng).verdict)
    return found


def test_a_score_that_knows_the_hidden_term_helps() -> None:
    assert _verdicts(lambda rows: HIDDEN[SPACE.index(rows)]) == ["help"] * 5


def test_a_reversed_score_helps_as_much() -> None:
    assert _verdicts(lambda rows: -HIDDEN[SPACE.index(rows)]) == ["help"] * 5


def test_noise_is_rarely_reported_to_help() -> None:
    # The interval is rough: noise was reported to help in 7 of 120 such runs.
    assert _verdicts(lambda rows: NOISE[SPACE.index(rows)]).count("help") <= 1


def test_a_constant_score_gains_nothing() -> None:
    rows = SPACE.sample(40, np.random.default_rng(0))
    found = diagnose_cheap_scores(
        SPACE, rows, _accuracy(rows), [lambda rows: np.ones(len(rows))], np.random.default_rng(1)
    )
    assert found.gain.value == pytest.approx(0, abs=1e-3)
    assert np.isnan(found.alone[0].value)


def test_the_report_names_a_score_that_reverses_the_better_half() -> None:
    rows = SPACE.sample(50, np.random.default_rng(0))
    cheap: list[Evaluator] = [_accuracy, lambda rows: -_accuracy(rows)]
    found = diagnose_cheap_scores(SPACE, rows, _accuracy(rows), cheap, np.random.default_rng(1))
    assert [tau.value for tau in found.alone] == [1, -1]
    assert "alone, 1 of 2 scores (number 1) reverse the better half" in str(found)


def test_leave_one_out_densities_match_processes_without_the_architecture() -> None:
    rows = SPACE.sample(25, np.random.default_rng(0))
    targets = normal_scores(_accuracy(rows))
    process = fit_gaussian_process(DistanceKernel(kernel_components(SPACE)), rows, targets)
    features = process.kernel.features(rows)
    covariance = 1 + np.exp(process.parameters[-2]) * process.kernel(process.parameters[:-2], features, features)
    covariance += process.noise * np.eye(25)
    for one in range(25):
        others = np.arange(25) != one
        weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, one])
        mean, variance = weights @ targets[others], covariance[one, one] - weights @ covariance[others, one]
        expected = -(np.log(2 * np.pi * variance) + (targets[one] - mean) ** 2 / variance) / 2
        assert process.leave_one_out_log_densities()[one] == pytest.approx(expected)


def test_a_process_gains_nothing_over_itself() -> None:
    rows = SPACE.sample(25, np.random.default_rng(0))
    targets = normal_scores(_accuracy(rows))
    process = fit_gaussian_process(DistanceKernel(kernel_components(SPACE)), rows, targets)
    assert gain_at_the_top(process, process, targets) == (0, 0)


def test_too_few_accuracies_are_refused() -> None:
    rows = SPACE.sample(19, np.random.default_rng(0))
    with pytest.raises(SettingError, match="19 true accuracies are too few for a diagnosis"):
        diagnose_cheap_scores(SPACE, rows, _accuracy(rows), [_accuracy], np.random.default_rng(0))
