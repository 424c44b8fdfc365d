"""The architectures with the highest predictions, and which of equal ones come first."""

import numpy as np
from lissnas.predictors.best_predicted import best_predicted, select_best
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Indices, Rows


def _first_gene(rows: Rows) -> Floats:
    return rows[:, 0].astype(np.float64)


def _best(count: int, seed: int) -> Indices:
    return best_predicted(macro(), _first_gene, count, np.arange(10), np.random.default_rng(seed))


def test_which_of_equal_predictions_are_kept_is_drawn() -> None:
    space = macro()
    equal = np.flatnonzero(space.all_rows()[:, 0] == 2)
    kept = [_best(500, seed) for seed in range(2)]
    assert all(np.isin(chosen, equal).all() for chosen in kept)
    assert not np.array_equal(np.sort(kept[0]), np.sort(kept[1]))
    np.testing.assert_array_equal(kept[0], _best(500, 0))
    # As many from the first half of the index as from the second.
    assert abs((kept[0] < np.median(equal)).mean() - 0.5) < 0.1


def test_the_best_come_first() -> None:
    predictions = np.array([0.5, 2.0, 1.0, 2.0])
    chosen = select_best(np.array([10, 11, 12, 13]), predictions, 3, np.random.default_rng(0))
    assert set(chosen[:2].tolist()) == {11, 13}
    assert chosen[2] == 12
