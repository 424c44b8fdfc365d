"""Kernel shrinkage: its budget, its result, its expected recall, and the settings that it refuses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.predictors.expected_recall import ExpectedSubspace
from lissnas.predictors.gaussian_process import normal_scores
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.statistics.quality import is_top

SPACE = macro()
HUGE = CategoricalSpace("huge", ("abcd",) * 20, "{}" * 20)


def _score(rows: Rows) -> Floats:
    """Return smooth scores: one term per layer, and one per pair of adjacent layers."""
    values = rows.astype(np.float64)
    alone = (values * 0.9 ** np.arange(rows.shape[1])).sum(axis=1)
    return alone - (values[:, 1:] * values[:, :-1] == 2).sum(axis=1) / 2


def _run(score: Any = _score, seed: int = 0, space: CategoricalSpace = SPACE, **settings: Any) -> Trace:
    return shrink(space, score, KernelShrinkage(**settings), np.random.default_rng(seed))


def _result(trace: Trace) -> ExpectedSubspace:
    assert isinstance(trace.subspace, ExpectedSubspace)
    return trace.subspace


@pytest.mark.parametrize(("evaluations", "rounds"), [(20, 1), (21, 2), (30, 2), (55, 5)])
def test_it_spends_its_evaluations_and_keeps_its_size(evaluations: int, rounds: int) -> None:
    trace = _run(evaluations=evaluations, size=123)
    assert trace.evaluations.count == evaluations
    assert len(trace.rounds) == rounds + 1
    assert trace.subspace.size == 123


def test_rounds_grow_with_the_evaluations_before_them() -> None:
    trace = _run(evaluations=70, first=30, batch=2, strays=1, size=50)
    assert [step.evaluations for step in trace.rounds[1:]] == [30, 33, 37, 41, 46, 51, 57, 64, 70]


def test_a_longer_run_starts_with_the_evaluations_of_a_shorter_one() -> None:
    short, long = _run(evaluations=60), _run(evaluations=80)
    np.testing.assert_array_equal(long.evaluations.index[:60], short.evaluations.index)


def test_it_finds_the_top_of_smooth_scores() -> None:
    marked = is_top(_score(SPACE.all_rows()), 0.01)
    recalls = [marked[_run(seed=seed, size=300).subspace.index].sum() / marked.sum() for seed in range(3)]
    assert min(recalls) > 0.9


def test_it_finds_more_than_lissnas_with_an_eighth_of_its_evaluations(nasbench201: Callable[[str], Floats]) -> None:
    space, selecting = cell201(), nasbench201("in16_val200")
    marked = is_top(nasbench201("in16_test200"), 0.01)
    differences = []
    for seed in range(4):
        evaluator, rng = TableEvaluator(space, selecting), np.random.default_rng(seed)
        lissnas = shrink(space, evaluator, Lissnas(), rng)
        shrinker = KernelShrinkage(evaluations=lissnas.evaluations.count // 8, size=lissnas.subspace.size)
        kernel = shrink(space, evaluator, shrinker, rng)
        differences.append((marked[kernel.subspace.index].sum() - marked[lissnas.subspace.index].sum()) / marked.sum())
    assert np.mean(differences) > 0.1


def test_each_round_scores_architectures_that_it_would_keep_except_for_strays() -> None:
    trace = _run(size=400)
    spent = [step.evaluations for step in trace.rounds]
    for step, (before, after) in zip(trace.rounds[1:], pairwise(spent[1:]), strict=False):
        new = SPACE.rows(trace.evaluations.index[before:after])
        # The two strays come last. The others may be replaced by the next best where the best are scored already.
        assert not step.subspace.contains(new[-2:]).any()
        assert (~step.subspace.contains(new[:-2])).sum() <= before


def test_predicted_scores_are_in_the_order_of_the_index() -> None:
    kept = _result(_run(size=300))
    rows = SPACE.rows(kept.index)
    assert np.corrcoef(kept.mean, _score(rows))[0, 1] > 0.8
    assert kept.spread.shape == kept.mean.shape
    assert (kept.spread > 0).all()


def test_the_expected_recall_of_smooth_scores_is_near_the_true_one() -> None:
    marked = is_top(_score(SPACE.all_rows()), 0.01)
    kept = [_result(_run(seed=seed, size=100, evaluations=100)) for seed in range(5)]
    true = np.mean([marked[subspace.index].sum() / marked.sum() for subspace in kept])
    assert np.mean([subspace.expected_recall for subspace in kept]) == pytest.approx(true, abs=0.15)


def test_networks_with_high_scores_are_kept_where_the_kernel_explains_nothing() -> None:
    noise = np.random.default_rng(0).normal(size=SPACE.size)
    trace = _run(TableEvaluator(SPACE, noise), evaluations=100, size=300)
    assert trace.subspace.contains(trace.evaluations.best(10)).all()


def test_the_expected_recall_of_the_full_space_is_1() -> None:
    assert _result(_run(size=SPACE.size, evaluations=30)).expected_recall == pytest.approx(1, abs=1e-6)


def test_it_says_the_expected_recall_or_that_the_evaluations_are_too_few() -> None:
    smooth = _run(evaluations=60)
    assert str(smooth.notes[-1]).startswith(
        f"expected recall of the best 1 %: {_result(smooth).expected_recall:.2f} by"
    )
    noise = _run(TableEvaluator(SPACE, np.random.default_rng(0).normal(size=SPACE.size)), evaluations=60)
    assert np.isnan(_result(noise).expected_recall)
    assert "too few to say how many of the best 1 % were kept" in str(noise.notes[-1])


def test_a_space_that_cannot_be_enumerated_is_shrunk() -> None:
    kept = _run(space=HUGE, size=200).subspace
    drawn = np.sort(_score(HUGE.sample(20_000, np.random.default_rng(1))))
    scores = _score(HUGE.rows(kept.index))
    assert kept.size == 200
    assert scores.mean() > drawn[-1]


def test_darts_is_shrunk() -> None:
    space = darts()

    def convolutions(rows: Rows) -> Floats:
        return (space.edges(rows)[1] >= 3).sum(axis=1).astype(np.float64)

    shrinker = KernelShrinkage(evaluations=40, size=50, candidates=1000)
    kept = shrink(space, convolutions, shrinker, np.random.default_rng(0)).subspace
    drawn = convolutions(space.sample(5000, np.random.default_rng(1)))
    assert convolutions(space.rows(kept.index)).mean() > np.quantile(drawn, 0.99)


def test_only_the_order_of_the_scores_matters() -> None:
    kept = _run(seed=2).subspace.index
    np.testing.assert_array_equal(_run(lambda rows: np.exp(3 * _score(rows)), seed=2).subspace.index, kept)


def test_normal_scores_are_symmetric_and_equal_for_ties() -> None:
    lowest, *middle, highest = normal_scores(np.array([-7.0, 2.0, 2.0, 2.0, 3.0]))
    assert lowest == pytest.approx(-highest)
    assert middle == pytest.approx([0, 0, 0])


def test_architectures_without_a_score_are_evaluated_once_and_excluded() -> None:
    evaluated: list[int] = []

    def score(rows: Rows) -> Floats:
        evaluated.extend(SPACE.index(rows).tolist())
        return np.where(rows[:, 0] == 2, np.nan, _score(rows))

    trace = _run(score)
    assert len(evaluated) == len(set(evaluated)) == 150
    assert len(trace.evaluations.scores) < 150


@pytest.mark.parametrize("score", [lambda rows: np.ones(len(rows)), lambda rows: np.full(len(rows), np.nan)])
def test_equal_and_missing_scores_are_refused(score: Any) -> None:
    with pytest.raises(SettingError, match="too few to learn from"):
        _run(score)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"evaluations": 19}, "at most all 19, not 20"),
        ({"first": 2}, "at least 3 networks"),
        ({"strays": -1}, "strays must be at least 0, not -1"),
        ({"quantile": 1.0}, "above 0 and below 1, not 1.0"),
        ({"size": 6_562}, "size of 6,562 is more than the 6,561 networks of macro"),
        ({"evaluations": 7_000}, "evaluations of 7,000 is more than"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        _run(**settings)
