"""Unions of balls: compared with all pairs of small spaces, and in spaces that cannot be enumerated."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import DartsSpace, darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Rows
from lissnas.statistics.sampled_subspace import estimate_mean_distance, estimate_size
from lissnas.subspaces import union_of_balls
from lissnas.subspaces.hamming_ball import HammingBall
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas.subspaces.subspace_file import checksum, load, save
from lissnas.subspaces.union_of_balls import UnionOfBalls, balls
from scipy.stats import chisquare, kstest

MIXED = CategoricalSpace("mixed", ("ab", "cde", "f", "ghij", "kl"), "{}{}{}{}{}")
ROWS = MIXED.all_rows()
DISTANCE = (ROWS[:, None] != ROWS).sum(axis=2)
HUGE = CategoricalSpace("21 layers", ("abcdefg",) * 21, "{}" * 21)


def _members(seeds: list[int], radius: int) -> np.ndarray:
    """Return the places of a union of balls in the mixed space, found from all pairs."""
    return np.flatnonzero((DISTANCE[seeds] <= radius).any(axis=0))


def _union(seeds: list[int], radius: int) -> UnionOfBalls:
    return UnionOfBalls(MIXED, MIXED.rows(np.array(seeds)), radius)


unions = st.tuples(st.lists(st.integers(0, MIXED.size - 1), min_size=1, max_size=6), st.integers(0, 5))


@given(unions)
def test_a_union_contains_the_architectures_near_a_seed_and_no_others(union: tuple[list[int], int]) -> None:
    assert np.flatnonzero(_union(*union).contains(ROWS)).tolist() == _members(*union).tolist()


@given(unions)
def test_the_index_of_a_union_lists_its_members(union: tuple[list[int], int]) -> None:
    assert _union(*union).index.tolist() == _members(*union).tolist()


@given(unions)
def test_a_union_that_can_be_counted_has_equal_bounds(union: tuple[list[int], int]) -> None:
    size = len(_members(*union))
    assert _union(*union).size == size
    assert _union(*union).size_bounds == (size, size)


@given(unions, st.integers(0, 30))
def test_the_size_of_an_uncounted_union_is_within_its_bounds(union: tuple[list[int], int], listed_at_most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(union_of_balls, "MAX_LISTED", listed_at_most)
        at_least, at_most = _union(*union).size_bounds
    assert 0 < at_least <= len(_members(*union)) <= at_most <= MIXED.size


@given(unions)
def test_a_full_sample_is_the_union(union: tuple[list[int], int]) -> None:
    drawn = _union(*union).sample(len(_members(*union)), np.random.default_rng(0))
    assert np.sort(MIXED.index(drawn)).tolist() == _members(*union).tolist()


@given(unions)
def test_balls_are_one_pocket_if_single_edits_connect_them(union: tuple[list[int], int]) -> None:
    subspace = _union(*union)
    pocket_of_member = dict(zip(subspace.index.tolist(), pockets(subspace).tolist(), strict=True))
    of_seeds = [pocket_of_member[place] for place in MIXED.index(subspace.seeds).tolist()]
    for (a, b), (c, d) in itertools.product(zip(subspace.seed_pockets(), of_seeds, strict=True), repeat=2):
        assert (a == c) == (b == d)


@given(unions)
def test_every_pocket_has_a_seed(union: tuple[list[int], int]) -> None:
    subspace = _union(*union)
    assert subspace.seed_pockets().max() == pockets(subspace).max()


# Sampling


def _counts(subspace: UnionOfBalls, draws: int, of: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    drawn = np.concatenate([MIXED.index(subspace.sample(of, rng)) for _ in range(draws)])
    return np.bincount(drawn, minlength=MIXED.size)[subspace.index]


@pytest.mark.parametrize(
    ("seeds", "radius"),
    [([0, 1, 2, 5], 1), ([0, 1], 2), ([0, 47], 2), ([0, 1, 2, 3, 4, 5, 6, 7], 1), ([13], 3), ([0, 7, 30], 4)],
)
def test_single_draws_are_uniform_even_where_balls_overlap(seeds: list[int], radius: int) -> None:
    subspace = _union(seeds, radius)
    # A single draw uses rejection, since it is less than half of the smallest ball.
    counts = _counts(subspace, draws=40 * subspace.size, of=1)
    assert counts.sum() == 40 * subspace.size
    assert chisquare(counts).pvalue > 0.001


def test_samples_of_several_are_uniform() -> None:
    subspace = _union([0, 1, 2, 5, 40], 1)
    assert chisquare(_counts(subspace, draws=2000, of=3)).pvalue > 0.001


def test_a_sample_repeats_no_architecture() -> None:
    subspace = _union([0, 1, 2], 2)
    for seed in range(200):
        drawn = MIXED.index(subspace.sample(subspace.size // 2, np.random.default_rng(seed)))
        assert len(set(drawn.tolist())) == subspace.size // 2


@pytest.mark.parametrize("radius", range(6))
def test_members_of_a_ball_are_drawn_uniformly(radius: int) -> None:
    center = MIXED.rows(np.array([29]))
    members = _members([29], radius)
    drawn = HammingBall(MIXED, radius).sample(np.repeat(center, 200 * len(members), axis=0), np.random.default_rng(0))
    counts = np.bincount(MIXED.index(drawn), minlength=MIXED.size)
    assert set(np.flatnonzero(counts)) <= set(members)
    if radius:
        assert chisquare(counts[members]).pvalue > 0.001


@pytest.mark.parametrize("choices", [2, 256])
def test_genes_with_few_and_with_many_choices_are_drawn_uniformly(choices: int) -> None:
    space = CategoricalSpace("bytes", [[str(choice) for choice in range(choices)]] * 2, "{}-{}")
    center = space.rows(np.array([space.size - 1]))
    ball = HammingBall(space, 1)
    drawn = ball.sample(np.repeat(center, 100 * ball.size, axis=0), np.random.default_rng(0))
    counts = np.bincount(space.index(drawn), minlength=space.size)
    assert chisquare(counts[ball.list_members(center)[:, 0]]).pvalue > 0.001


def test_a_sample_larger_than_the_union_is_refused() -> None:
    with pytest.raises(SettingError, match="cannot draw 9 different architectures from a union of balls with 8"):
        _union([0], 1).sample(9, np.random.default_rng(0))


def test_a_sample_of_negative_size_is_refused() -> None:
    with pytest.raises(SettingError, match="cannot draw -1"):
        _union([0], 1).sample(-1, np.random.default_rng(0))
    assert len(_union([0], 1).sample(0, np.random.default_rng(0))) == 0


# Estimates


@pytest.mark.slow
def test_the_estimated_size_is_unbiased_and_its_interval_has_the_stated_coverage() -> None:
    subspace = _union([0, 1, 2, 5, 40], 2)
    result = [estimate_size(subspace, 400, np.random.default_rng(seed)) for seed in range(1000)]
    values = np.array([float(estimate.value) for estimate in result])
    assert abs(values.mean() - subspace.size) < 4 * values.std() / np.sqrt(1000)
    coverage = np.mean([float(estimate.low) <= subspace.size <= float(estimate.high) for estimate in result])
    assert 0.93 < coverage < 0.97  # a thousand intervals of 95 %: within three standard errors


@pytest.mark.slow
def test_the_estimated_mean_distance_is_that_of_all_pairs() -> None:
    subspace = _union([0, 1, 2, 5, 40], 1)
    inside = DISTANCE[np.ix_(subspace.index, subspace.index)]
    exact = inside.sum() / (subspace.size * (subspace.size - 1))
    values = [float(estimate_mean_distance(subspace, 4, np.random.default_rng(seed)).value) for seed in range(2000)]
    assert abs(np.mean(values) - exact) < 4 * np.std(values) / np.sqrt(2000)


# Spaces of 10^17


def _ball_of_21_layers(radius: int) -> int:
    return sum(len(list(itertools.combinations(range(21), k))) * 6**k for k in range(radius + 1))


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_the_size_of_a_ball_of_21_layers_matches_the_formula(radius: int) -> None:
    assert HammingBall(HUGE, radius).size == _ball_of_21_layers(radius)


def test_the_sizes_of_distant_balls_add_up() -> None:
    seeds = HUGE.rows(np.array([0, HUGE.size - 1]))
    assert UnionOfBalls(HUGE, seeds, 10).size == 2 * _ball_of_21_layers(10)


def test_the_balls_of_neighbors_overlap_in_the_choices_of_one_gene() -> None:
    # Two balls of radius 1 around neighbors share the seven choices of one gene.
    seeds = HUGE.rows(np.array([0, 1]))
    assert UnionOfBalls(HUGE, seeds, 1).size == 2 * 127 - 7


@pytest.fixture(scope="module")
def crowded() -> UnionOfBalls:
    """A thousand seeds within three edits of one architecture: too many overlapping members to list."""
    rng = np.random.default_rng(0)
    seeds = HammingBall(HUGE, 3).sample(np.repeat(HUGE.sample(1, rng), 1000, axis=0), rng)
    return UnionOfBalls(HUGE, seeds, 2)


@pytest.mark.slow
def test_a_union_too_large_to_count_has_bounds_and_an_estimate(crowded: UnionOfBalls) -> None:
    with pytest.raises(SettingError, match="call estimate_size"):
        _ = crowded.size
    at_least, at_most = crowded.size_bounds
    estimate = estimate_size(crowded, 10_000, np.random.default_rng(0))
    assert at_least < estimate.low < estimate.value < estimate.high < at_most


def test_listing_a_union_too_large_is_refused(crowded: UnionOfBalls) -> None:
    with pytest.raises(SettingError, match="draw a sample"):
        _ = crowded.index


def test_an_estimate_agrees_with_the_exact_size(crowded: UnionOfBalls) -> None:
    part = UnionOfBalls(HUGE, crowded.seeds[:300], 2)
    estimate = estimate_size(part, 20_000, np.random.default_rng(0))
    assert estimate.low < part.size < estimate.high


def test_samples_of_a_huge_union_have_the_distances_of_a_ball(crowded: UnionOfBalls) -> None:
    drawn = crowded.sample(2000, np.random.default_rng(0))
    assert crowded.contains(drawn).all()
    lone = UnionOfBalls(HUGE, crowded.seeds[:1], 2)
    changes = HUGE.distances(lone.seeds, lone.sample(3000, np.random.default_rng(0)))[0]
    # Of 1 + 126 + 7560 members most are two edits away, and one is the seed.
    assert 0.95 < np.mean(changes == 2) < 1


def test_samples_of_a_huge_union_are_uniform_over_its_list(crowded: UnionOfBalls) -> None:
    part = UnionOfBalls(HUGE, crowded.seeds[:100], 2)
    drawn = HUGE.index(part.sample(3000, np.random.default_rng(0)))
    assert kstest(np.searchsorted(part.index, drawn) / part.size, "uniform").pvalue > 0.001


@pytest.mark.parametrize("radius", [-1, 22])
def test_an_impossible_radius_is_refused(radius: int) -> None:
    with pytest.raises(SettingError, match=f"must be 0 to 21, its number of genes, not {radius}"):
        UnionOfBalls(HUGE, HUGE.rows(np.array([0])), radius)


def test_a_union_without_seeds_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one seed"):
        UnionOfBalls(HUGE, HUGE.rows(np.empty(0, dtype=np.int64)), 1)


# Which kind of subspace balls are


def _by_distance(space: Any, seeds: Rows, radius: int) -> list[int]:
    return np.flatnonzero((space.distances(seeds, space.all_rows()) <= radius).any(axis=0)).tolist()


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("space", [macro(), cell201(), DartsSpace("small", ("normal",), 3, ("a", "b"))])
def test_balls_of_a_space_that_can_be_enumerated_are_listed(space: Any, radius: int) -> None:
    seeds = space.sample(5, np.random.default_rng(0))
    result = balls(space, seeds, radius)
    assert isinstance(result, ExplicitSubspace)
    assert result.index.tolist() == _by_distance(space, seeds, radius)


def test_balls_of_distinct_networks_are_those_of_their_graph(multisets: Any) -> None:
    seeds = multisets.space.rows(np.array([0, 20]))
    for radius in (1, 2):
        expected = np.flatnonzero((multisets.distance[[0, 20]] <= radius).any(axis=0))
        assert balls(multisets.space, seeds, radius).index.tolist() == expected.tolist()


def test_balls_of_a_huge_categorical_space_are_a_union() -> None:
    result = balls(HUGE, HUGE.rows(np.array([0])), 2)
    assert isinstance(result, UnionOfBalls)
    assert result.size == _ball_of_21_layers(2)


def test_balls_of_any_other_huge_space_are_listed() -> None:
    space = darts()
    seeds = space.sample(3, np.random.default_rng(0))
    result = balls(space, seeds, 1)
    assert result.size == 3 * 121
    nearest = space.distances(seeds, space.rows(balls(space, seeds, 2).index)).min(axis=0)
    assert np.bincount(nearest)[:2].tolist() == [3, 360]
    assert nearest.max() == 2


def test_balls_too_large_to_list_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(union_of_balls, "MAX_LISTED", 1000)
    with pytest.raises(SettingError, match="more than 1,000 networks are within 2 edits of 3 seeds in darts"):
        balls(darts(), darts().sample(3, np.random.default_rng(0)), 2)


# Files


def test_a_saved_union_loads_again(tmp_path: Path, crowded: UnionOfBalls) -> None:
    save(crowded, tmp_path / "union", {"method": "lissnas", "radius": "not this one"})
    result, provenance = load(tmp_path / "union", HUGE)
    assert isinstance(result, UnionOfBalls)
    assert result.radius == 2
    assert provenance["method"] == "lissnas"
    assert (provenance["union_of_balls"]["at_least"], provenance["union_of_balls"]["at_most"]) == crowded.size_bounds
    np.testing.assert_array_equal(result.seeds, crowded.seeds)
    one, other = (union.sample(50, np.random.default_rng(0)) for union in (result, crowded))
    np.testing.assert_array_equal(one, other)


def test_a_union_of_balls_in_a_space_without_them_is_refused(tmp_path: Path, multisets: Any) -> None:
    encoding = CategoricalSpace("multisets", ("abcd",) * 4, "{}{}{}{}")
    save(UnionOfBalls(encoding, encoding.rows(np.array([0])), 1), tmp_path / "union", {})
    with pytest.raises(LissnasError, match="multisets has no union of balls of radius"):
        load(tmp_path / "union", multisets.space)


@pytest.mark.parametrize("damage", ["radius", 2.5, None, -1, 99])
def test_a_union_with_a_damaged_radius_is_refused(tmp_path: Path, damage: Any) -> None:
    described = {"space": HUGE.name, "union_of_balls": {"radius": damage}}
    strings, text = HUGE.write(HUGE.rows(np.array([0]))), json.dumps(described)
    metadata = {"lissnas": text, "crc32": checksum(text, strings)}
    pl.DataFrame({"architecture": strings}).write_parquet(tmp_path / "union", metadata=metadata)
    with pytest.raises(LissnasError):
        load(tmp_path / "union", HUGE)


def test_balls_too_large_to_be_listed_are_bounded_without_listing_any() -> None:
    space = CategoricalSpace("twenty layers", ("abcd",) * 20, "{}" * 20)
    balls = UnionOfBalls(space, space.read(["a" * 20, "b" * 20]), radius=12)
    assert balls.size_bounds == (balls.ball_size, 2 * balls.ball_size)
