"""The random subset: its size, its cost, and its uniformity. test_visited.py tests the best of a sample."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.shrinkers.sampling_baselines import RandomSubset
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows


def _never(rows: Rows) -> Floats:
    raise AssertionError(f"{len(rows)} networks were evaluated")


def _run(size: int, seed: int = 0) -> Trace:
    return shrink(macro(), _never, RandomSubset(size), np.random.default_rng(seed))


@pytest.mark.parametrize("size", [1, 500, 6561])
def test_a_random_subset_has_its_size_and_scores_nothing(size: int) -> None:
    trace = _run(size)
    assert (trace.subspace.size, trace.evaluations.count) == (size, 0)


def test_all_architectures_are_equally_likely() -> None:
    counts = np.bincount(np.concatenate([_run(656, seed).subspace.index for seed in range(200)]), minlength=6561)
    # Each is expected 20 times; the sum is chi-squared with 6,560 degrees of freedom, times (1 - 0.1).
    chi_squared = ((counts - 20) ** 2 / 20 / 0.9).sum()
    assert abs(chi_squared - 6560) < 5 * np.sqrt(2 * 6560)


@pytest.mark.parametrize("size", [0, -1, 6562])
def test_a_size_below_1_or_above_that_of_the_space_is_refused(size: int) -> None:
    with pytest.raises(SettingError):
        _run(size)
