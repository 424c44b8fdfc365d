"""Two-fidelity shrinkage: it uses cheap scores where they are informative, and ignores them elsewhere."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.shrinkers.two_fidelity_shrinkage import TwoFidelityShrinkage
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.statistics.quality import is_top

SPACE = macro()
NOISE: Floats = np.random.default_rng(0).normal(size=SPACE.size)
HIDDEN: Floats = np.random.default_rng(1).normal(size=SPACE.size)


def _accuracy(rows: Rows) -> Floats:
    return rows.astype(np.float64).sum(axis=1) / 2 + 2 * HIDDEN[SPACE.index(rows)]


def _run(cheap: Evaluator | None, seed: int) -> Trace:
    shrinker = KernelShrinkage(evaluations=50, size=300)
    if cheap is not None:
        shrinker = TwoFidelityShrinkage(evaluations=50, size=300, cheap=(cheap,))
    return shrink(SPACE, _accuracy, shrinker, np.random.default_rng(seed))


def _recalls(cheap: Evaluator | None) -> list[float]:
    marked = is_top(_accuracy(SPACE.all_rows()), 0.01)
    return [marked[_run(cheap, seed).subspace.index].sum() / marked.sum() for seed in range(4)]


@pytest.mark.slow
def test_an_informative_cheap_score_raises_the_recall() -> None:
    assert np.mean(_recalls(lambda rows: HIDDEN[SPACE.index(rows)])) > np.mean(_recalls(None)) + 0.4


def test_constant_cheap_scores_do_not_change_the_run() -> None:
    plain, constant = _run(None, 1), _run(lambda rows: np.ones(len(rows)), 1)
    np.testing.assert_array_equal(constant.evaluations.index, plain.evaluations.index)
    np.testing.assert_array_equal(constant.subspace.index, plain.subspace.index)


def test_the_first_evaluations_do_not_depend_on_cheap_scores() -> None:
    plain, noisy = _run(None, 2), _run(lambda rows: NOISE[SPACE.index(rows)], 2)
    np.testing.assert_array_equal(noisy.evaluations.index[:30], plain.evaluations.index[:30])


def test_a_budget_too_small_to_judge_cheap_scores_starts_where_they_are_promising() -> None:
    def first_rows(cheap: tuple[Evaluator, ...]) -> Rows:
        shrinker = TwoFidelityShrinkage(evaluations=20, size=300, first=10, batch=5, cheap=cheap)
        return shrink(SPACE, _accuracy, shrinker, np.random.default_rng(3)).evaluations.rows[:10]

    ranks = np.argsort(np.argsort(HIDDEN)) / SPACE.size
    high = first_rows((lambda rows: HIDDEN[SPACE.index(rows)],))
    assert (ranks[SPACE.index(high[5:])] > 0.85).all()
    np.testing.assert_array_equal(first_rows((lambda rows: -HIDDEN[SPACE.index(rows)],)), high)
    rows = first_rows((lambda rows: np.full(len(rows), np.nan), lambda rows: np.ones(len(rows))))
    assert len(np.unique(SPACE.index(rows))) == 10


def test_an_empty_list_of_cheap_scores_is_refused() -> None:
    with pytest.raises(SettingError, match="no cheap scores were given"):
        TwoFidelityShrinkage()
