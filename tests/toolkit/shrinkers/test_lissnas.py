"""LISSNAS: its samples, the balls that it keeps, and when it stops."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import EvaluatorError, SettingError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows

SPACE = macro()


def _additive(rows: Rows) -> Floats:
    """Return smooth scores without ties: neighbors of good architectures are good."""
    return (rows * 0.9 ** np.arange(rows.shape[1])).sum(axis=1) + np.sin(SPACE.index(rows))


def _run(score: Callable[[Rows], Floats], seed: int = 0, **settings: Any) -> Trace:
    return shrink(SPACE, score, Lissnas(**settings), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("confidence", "quantile", "size"),
    [
        (0.95, 0.01, 299),
        (0.95, 0.05, 59),
        (0.95, 0.001, 2995),
        (0.99, 0.01, 459),
        (0.99, 0.05, 90),
        (0.99, 0.001, 4603),
    ],
)
def test_the_sample_size_follows_from_confidence_and_quantile(confidence: float, quantile: float, size: int) -> None:
    assert Lissnas(confidence=confidence, quantile=quantile).sample_size == size


@given(st.floats(0.01, 0.999), st.floats(1e-4, 0.5))
def test_the_sample_is_the_smallest_with_the_confidence(confidence: float, quantile: float) -> None:
    size = Lissnas(confidence=confidence, quantile=quantile, seeds=1).sample_size
    # The tolerance is for rounding: a sample may just reach the confidence.
    assert 1 - (1 - quantile) ** size >= confidence - 1e-12
    assert 1 - (1 - quantile) ** (size - 1) <= confidence + 1e-12


def _ball(center: tuple[int, ...], radius: int) -> set[tuple[int, ...]]:
    ball = {center}
    for genes in itertools.combinations(range(8), radius):
        for choices in itertools.product(range(3), repeat=radius):
            edited = list(center)
            for gene, choice in zip(genes, choices, strict=True):
                edited[gene] = choice
            ball.add(tuple(edited))
    return ball


@pytest.mark.parametrize(("radius", "seeds"), [(1, 30), (1, 4), (2, 5)])
def test_each_round_keeps_the_balls_around_the_best_scored_so_far(radius: int, seeds: int) -> None:
    trace = _run(_additive, radius=radius, seeds=seeds)
    known = 299  # the first sample, before the first round
    for step in trace.rounds[1:]:
        rows = trace.evaluations.rows[:known]
        best = rows[np.argsort(-trace.evaluations.scores[:known], kind="stable")[:seeds]]
        expected = set().union(*(_ball(tuple(row), radius) for row in best.tolist()))
        assert set(map(tuple, SPACE.rows(step.subspace.index).tolist())) == expected
        known = step.evaluations


def test_each_round_samples_the_subspace_that_it_judges() -> None:
    trace = _run(_additive)
    spent = 299
    for step in trace.rounds[1:]:
        new = SPACE.index(trace.evaluations.rows[spent : step.evaluations])
        assert 0 < len(new) <= 299
        assert np.isin(new, step.subspace.index).all()
        spent = step.evaluations


def test_means_rise_from_round_to_round() -> None:
    trace = _run(_additive)
    means = [_additive(SPACE.rows(step.subspace.index)).mean() for step in trace.rounds]
    assert len(means) > 2
    assert means == sorted(means)


def test_max_rounds_limits_the_rounds() -> None:
    assert len(_run(_additive, max_rounds=1).rounds) == 2


def test_the_optimum_of_a_smooth_space_is_kept() -> None:
    best = int(np.argmax(_additive(SPACE.all_rows())))
    assert best in _run(_additive).subspace.index


def test_equal_scores_are_an_error() -> None:
    with pytest.raises(EvaluatorError, match="networks have the score 90: a method needs scores that differ"):
        _run(lambda rows: np.full(len(rows), 90.0))


def test_architectures_without_a_score_are_not_seeds() -> None:
    def score(rows: Rows) -> Floats:
        return np.where(rows[:, 0] == 2, np.nan, _additive(rows))

    trace = _run(score, seeds=10)
    # Architectures with 2 in the first layer have no score, so they are kept only as neighbors of seeds.
    kept = SPACE.rows(trace.subspace.index)
    with_2 = kept[kept[:, 0] == 2]
    stems = set(map(tuple, kept[kept[:, 0] != 2][:, 1:].tolist()))
    assert len(with_2) <= 10
    assert set(map(tuple, with_2[:, 1:].tolist())) <= stems


def test_the_error_for_fewer_scores_than_seeds_counts_missing_scores() -> None:
    with pytest.raises(SettingError, match=r"30 seeds cannot be taken from \d+ networks with a score: \d+ of 299"):
        _run(lambda rows: np.where(SPACE.index(rows) % 20, np.nan, _additive(rows)))


def test_missing_scores_count_as_evaluations() -> None:
    trace = _run(lambda rows: np.where(SPACE.index(rows) % 2, _additive(rows), np.nan))
    assert trace.evaluations.count > len(trace.evaluations.index) > 0


def test_an_evaluator_that_scores_nothing_is_an_error() -> None:
    with pytest.raises(SettingError, match="scored only 0 of 299"):
        _run(lambda rows: np.full(len(rows), np.nan))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 0.0}, "confidence must be above 0 and below 1"),
        ({"confidence": 1.0}, "confidence must be above 0 and below 1"),
        ({"confidence": math.nan}, "confidence must be above 0 and below 1"),
        ({"quantile": 1.5}, "quantile must be above 0 and below 1"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"seeds": 300}, "300 seeds cannot be taken from a sample of 299"),
        ({"radius": 0}, "radius must be at least 1"),
        ({"radius": 9}, "a radius of 9 edits is longer than the 8 genes of macro"),
        ({"max_rounds": 0}, "max_rounds must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"radius": "measure"}, "radius must be a number of edits or 'measured', not 'measure'"),
        ({"spread": "far"}, "spread must be 'rank' or 'distance', not 'far'"),
        ({"stop": "never"}, "stop must be 'plateau' or 'rounds', not 'never'"),
        ({"target_size": 0}, "target_size must be at least 1"),
        ({"target_size": 6561}, "a target size of 6,561 is not below the 6,561 networks of macro"),
        ({"target_size": 10**6}, "a target size of 1,000,000 is not below the 6,561 networks of macro"),
        ({"target_size": 16}, "one seed and its neighbors are 17 networks, more than the target size of 16"),
        ({"quantile": 1e-4}, "a sample of 29,956 is larger than the 6,561 networks of macro"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        _run(_additive, **settings)
