"""Path samplers draw each path with its probability."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.costs import Costs
from lissnas.spaces.published.mobilenet import fairnas, fairnas_chain, mobilenet
from lissnas.spaces.published.shufflenetv2 import shufflenetv2, shufflenetv2_chain
from lissnas.spaces.space import Rows
from lissnas.subspaces.union_of_balls import UnionOfBalls
from lissnas.supernet.training.path_samplers import (
    FairPathSampler,
    FlopsBinPathSampler,
    PathSampler,
    SandwichPathSampler,
    SubspacePathSampler,
    UniformPathSampler,
)
from scipy.stats import chisquare

SPACE = CategoricalSpace("three layers", ("abc", "abcd", "ab"), "{}{}{}")

COSTS = Costs(100, [[0, 5, 9], [7, 0, 3, 1], [2, 2]])


def _drawn(paths: PathSampler, steps: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    return np.concatenate([paths.next(rng) for _ in range(steps)])


def _chance_of_uniform(index: np.ndarray, places: int) -> float:
    """Return the p-value of a chi-squared test that all places are equally likely."""
    return float(chisquare(np.bincount(index, minlength=places)).pvalue)


def test_uniform_paths_are_uniform() -> None:
    rows = _drawn(UniformPathSampler(SPACE), 2_400)
    assert _chance_of_uniform(SPACE.index(rows), SPACE.size) > 0.01


def test_paths_of_a_subspace_are_uniform_over_overlaps_and_pockets() -> None:
    union = UnionOfBalls(SPACE, SPACE.read(["aaa", "aab", "cdb"]), radius=1)
    place = np.searchsorted(union.index, SPACE.index(_drawn(SubspacePathSampler(union), 3_000)))
    assert _chance_of_uniform(place, union.size) > 0.01
    assert union.contains(_drawn(SubspacePathSampler(union), 100, seed=1)).all()


def test_bins_of_flops_are_equally_likely_and_so_are_the_networks_of_each() -> None:
    edges = (102, 104, 108, 130)
    rows = _drawn(FlopsBinPathSampler(SPACE, COSTS, edges), 3_000)
    bins = np.digitize(COSTS(rows), edges) - 1
    assert _chance_of_uniform(bins, 3) > 0.01
    everyone = SPACE.all_rows()
    for number in range(3):
        members = SPACE.index(everyone[np.digitize(COSTS(everyone), edges) - 1 == number])
        place = np.searchsorted(members, SPACE.index(rows[bins == number]))
        assert len(members) > 1
        assert _chance_of_uniform(place, len(members)) > 0.01


def test_no_bin_of_spos_is_empty() -> None:
    edges = tuple(range(290_000_000, 360_000_001, 10_000_000))
    costs = shufflenetv2_chain().multiply_accumulates
    rows = _drawn(FlopsBinPathSampler(shufflenetv2(), costs, edges), 60)
    assert set(np.digitize(costs(rows), edges)) == set(range(1, 8))


def test_an_empty_bin_is_an_error_that_names_it() -> None:
    with pytest.raises(
        SettingError, match="none of 1,048,576 networks of three layers costs 5 to 7 FLOPs: they cost 102"
    ):
        FlopsBinPathSampler(SPACE, COSTS, (5, 7)).next(np.random.default_rng(0))


@pytest.mark.parametrize("edges", [(5,), (7, 5), (5, 5)])
def test_edges_that_are_no_bins_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match="are no bins"):
        FlopsBinPathSampler(SPACE, COSTS, edges)


def test_strict_fairness_trains_every_choice_once_per_step() -> None:
    rows = FairPathSampler(fairnas()).next(np.random.default_rng(0))
    assert (np.sort(rows, axis=0) == np.arange(6)[:, None]).all()
    assert len({tuple(column) for column in rows.T}) > 1


def test_strict_fairness_repeats_the_choices_of_smaller_layers() -> None:
    rows = FairPathSampler(mobilenet()).next(np.random.default_rng(0))
    assert rows.shape == (7, 21)
    for column, choices in zip(rows.T, mobilenet().choices, strict=True):
        counts = np.bincount(column, minlength=choices)
        assert sorted(counts) == [1] * 7 if choices == 7 else [1] * 5 + [2]


def test_each_path_of_strict_fairness_is_uniform() -> None:
    rows = np.stack([FairPathSampler(SPACE).next(np.random.default_rng(seed)) for seed in range(2_400)])
    for place in range(rows.shape[1]):
        assert _chance_of_uniform(SPACE.index(rows[:, place]), SPACE.size) > 0.01


def test_a_sandwich_has_the_largest_the_smallest_and_random_networks() -> None:
    costs = fairnas_chain().multiply_accumulates
    step = SandwichPathSampler(fairnas(), costs, random=2).next(np.random.default_rng(0))
    most, least, *between = costs(step)
    assert (most, least) == (costs.maximum, costs.minimum)
    assert len(between) == 2
    assert all(least < cost < most for cost in between)


@pytest.mark.parametrize(
    "paths",
    [
        UniformPathSampler(SPACE),
        FlopsBinPathSampler(SPACE, COSTS, (102, 110, 130)),
        FairPathSampler(SPACE),
        SandwichPathSampler(SPACE, COSTS),
        SubspacePathSampler(UnionOfBalls(SPACE, SPACE.read(["aaa"]), radius=1)),
    ],
    ids=lambda paths: type(paths).__name__,
)
def test_the_same_generator_draws_the_same_paths(paths: PathSampler) -> None:
    assert (_drawn(paths, 5) == _drawn(paths, 5)).all()
    assert not (_drawn(paths, 20) == _drawn(paths, 20, seed=1)).all()
    assert SPACE.checked(_drawn(paths, 5)) is not None
