"""Shrunk spaces and limited subspaces, compared with lists, and where they cannot be listed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.errors import ArchitectureError, LissnasError, SettingError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.operation_pruning import OperationPruning
from lissnas.shrinkers.shrink import Shrinker, shrink
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.shufflenetv2 import shufflenetv2
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.box import Box
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.shrunk_space import ShrunkSpace
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace
from lissnas.subspaces.subspace_file import checksum, load, save
from lissnas.subspaces.union_of_balls import UnionOfBalls
from scipy.stats import chisquare


def _some(space: Any) -> ExplicitSubspace:
    """Return a random half of the architectures."""
    return ExplicitSubspace(space, np.random.default_rng(3).choice(space.size, -(-space.size // 2), replace=False))


def test_a_shrunk_space_has_the_networks_of_the_subspace_in_order(small: Any) -> None:
    subspace = _some(small.space)
    shrunk = ShrunkSpace(subspace)
    assert shrunk.size == subspace.size
    np.testing.assert_array_equal(shrunk.all_rows(), small.space.rows(subspace.index))
    np.testing.assert_array_equal(shrunk.index(shrunk.all_rows()), np.arange(subspace.size))
    np.testing.assert_array_equal(shrunk.full_space_index(np.arange(subspace.size)), subspace.index)


def test_neighbors_are_those_in_the_subspace(small: Any) -> None:
    subspace = _some(small.space)
    shrunk = ShrunkSpace(subspace)
    rows = shrunk.all_rows()
    neighbors, source = shrunk.neighbors(rows)
    found = {(a, b) for a, b in zip(source.tolist(), shrunk.index(neighbors).tolist(), strict=True)}
    distances = small.space.distances(rows, rows)
    assert found == set(map(tuple, np.argwhere(distances == 1).tolist()))


def test_shells_are_summed_over_the_subspace(small: Any) -> None:
    subspace = _some(small.space)
    shrunk = ShrunkSpace(subspace)
    rng = np.random.default_rng(0)
    columns, scores = rng.normal(size=(shrunk.size, 2)), rng.normal(size=shrunk.size)
    scores[0] = np.nan
    found = shrunk.shell_sums(columns, scores)
    distances = small.space.distances(shrunk.all_rows(), shrunk.all_rows())
    for center in range(shrunk.size):
        for distance in range(int(distances.max()) + 1):
            shell = distances[center] == distance
            np.testing.assert_allclose(found.sums[distance, center], columns[shell].sum(axis=0), atol=1e-12)
            differences = np.abs(scores[center] - scores[shell])
            np.testing.assert_allclose(found.differences[distance, center], np.nansum(differences), atol=1e-12)


def test_networks_outside_the_subspace_are_refused() -> None:
    space = cell201()
    shrunk = ShrunkSpace(ExplicitSubspace(space, np.arange(100)))
    with pytest.raises(ArchitectureError, match=r"'.+' is not among the 100 networks \(\w{8}\) of cell201"):
        shrunk.index(space.rows(np.array([3, 200])))
    with pytest.raises(ArchitectureError, match="has the indices 0 to 99, not 100"):
        shrunk.rows(np.array([100]))


def test_different_subspaces_give_spaces_of_different_names() -> None:
    space = shufflenetv2()
    seeds = space.sample(4, np.random.default_rng(0))
    names = [
        ShrunkSpace(subspace).name
        for subspace in (
            UnionOfBalls(space, seeds, 1),
            UnionOfBalls(space, seeds, 2),
            UnionOfBalls(space, seeds[:3], 1),
            Box.full(space).without(0, 0),
            Box.full(space).without(0, 1),
        )
    ]
    assert len(set(names)) == 5
    assert names[0] == ShrunkSpace(UnionOfBalls(space, seeds[::-1], 1)).name


def _score(rows: Rows) -> Floats:
    return rows.sum(axis=1) + np.sin(rows.astype(np.float64) @ np.arange(1, rows.shape[1] + 1))


SHRINKERS: tuple[Shrinker, ...] = (
    Lissnas(confidence=0.8, quantile=0.05, seeds=5, max_rounds=2, stop="rounds"),
    KernelShrinkage(evaluations=30, first=20, size=40),
    OperationPruning(evaluations=100, size=40),
)


@pytest.mark.parametrize("shrinker", SHRINKERS, ids=lambda shrinker: type(shrinker).__name__)
def test_methods_shrink_a_shrunk_space_without_leaving_it(shrinker: Shrinker) -> None:
    space = cell201()
    subspace = _some(space)
    shrunk = ShrunkSpace(subspace)
    scored: list[Rows] = []

    def score(rows: Rows) -> Floats:
        scored.append(rows)
        return _score(rows)

    result = shrunk.in_full_space(shrink(shrunk, score, shrinker, np.random.default_rng(0)).subspace)
    assert result.space is space
    assert 0 < result.size < subspace.size
    assert np.isin(result.index, subspace.index).all()
    assert subspace.contains(np.concatenate(scored)).all()
    assert _score(space.rows(result.index)).mean() > _score(space.rows(subspace.index)).mean() + 1


def test_lissnas_shrinks_a_union_of_balls_too_large_to_list() -> None:
    space = shufflenetv2()
    subspace = UnionOfBalls(space, space.sample(30, np.random.default_rng(0)), 4)
    assert subspace.size_bounds[1] > 1_000_000
    shrunk = ShrunkSpace(subspace)
    shrinker = Lissnas(confidence=0.9, quantile=0.1, seeds=3, max_rounds=1, stop="rounds")
    result = shrunk.in_full_space(shrink(shrunk, _score, shrinker, np.random.default_rng(0)).subspace)
    rows = space.rows(result.index)
    # Nearly all members are four edits from one of the 30 seeds, so a ball around a member is only partly inside.
    assert 3 * 13 <= result.size < 3 * 61
    assert subspace.contains(rows).all()
    # The three seeds are the best of 22 random members, so their neighbors are better than average.
    assert _score(rows).mean() > _score(subspace.sample(500, np.random.default_rng(1))).mean() + 2


def test_the_whole_shrunk_space_is_the_subspace() -> None:
    subspace = _some(cell201())
    assert ShrunkSpace(subspace).in_full_space(FullSpace(ShrunkSpace(subspace))) is subspace


def _cost(rows: Rows) -> Floats:
    return rows.sum(axis=1).astype(np.float64)


def test_a_limited_subspace_has_the_networks_within_the_limits(small: Any) -> None:
    subspace = _some(small.space)
    rows = small.space.rows(subspace.index)
    limit = float(np.median(_cost(rows)))
    space = LimitedSpace(small.space, Limit("cost", _cost, limit))
    within = LimitedSubspace(space, subspace)
    expected = rows[_cost(rows) <= limit]
    np.testing.assert_array_equal(space.rows(within.index), expected)
    assert within.size_bounds == (len(expected), len(expected))
    np.testing.assert_array_equal(within.contains(rows), _cost(rows) <= limit)
    drawn = within.sample(len(expected), np.random.default_rng(0))
    assert sorted(small.space.index(drawn)) == sorted(small.space.index(expected))


def test_the_largest_subspace_that_is_listed_has_the_number_that_the_error_names(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = LimitedSpace(small.space, Limit("cost", _cost, 3))
    monkeypatch.setattr("lissnas.subspaces.limited_subspace.ENUMERABLE_SIZE", small.space.size)
    within = LimitedSubspace(space, FullSpace(small.space))
    assert within.size_bounds == (len(within.index), len(within.index))
    monkeypatch.setattr("lissnas.subspaces.limited_subspace.ENUMERABLE_SIZE", small.space.size - 1)
    beyond = LimitedSubspace(space, FullSpace(small.space))
    assert beyond.size_bounds == (0, small.space.size)
    with pytest.raises(SettingError, match="too large to list"):
        _ = beyond.index


def test_networks_within_limits_are_drawn_uniformly_from_a_box_too_large_to_list() -> None:
    whole = shufflenetv2()
    space = LimitedSpace(whole, Limit("cost", lambda rows: _cost(rows[:, :4]), 3))
    within = LimitedSubspace(space, Box.full(whole))
    assert within.size_bounds == (0, whole.size)
    rows = within.sample(20_000, np.random.default_rng(0))
    assert (_cost(rows[:, :4]) <= 3).all()
    heads, counts = np.unique(rows[:, :4], axis=0, return_counts=True)
    assert len(heads) == 35  # four numbers with a sum of at most 3: 7 choose 4
    assert chisquare(counts).pvalue > 1e-3
    with pytest.raises(SettingError, match=r"too large to list .*\(at most 1,000,000\)"):
        _ = within.size


def test_limits_that_no_network_meets_are_refused() -> None:
    whole = shufflenetv2()
    space = LimitedSpace(whole, Limit("cost", _cost, -1))
    with pytest.raises(SettingError, match="only 0 of 1 networks of a subspace were found"):
        LimitedSubspace(space, Box.full(whole)).sample(1, np.random.default_rng(0))


def _small_box() -> Box:
    box = Box.full(shufflenetv2())
    for gene in range(20):
        for choice in (0, 1, 2) if gene > 5 else (3,):
            box = box.without(gene, choice)
    return box


def test_a_small_box_of_a_huge_space_is_listed() -> None:
    box = _small_box()
    assert box.size == len(box.index) == 3**6
    rows = box.space.rows(box.index)
    assert (rows[:, 6:] == 3).all()
    assert (rows[:, :6] < 3).all()
    assert (np.diff(box.index) > 0).all()


def test_boxes_of_any_size_are_saved_and_loaded(tmp_path: Path) -> None:
    space = shufflenetv2()
    for box in (_small_box(), Box.full(space).without(4, 2).without(4, 1).without(19, 0)):
        save(box, tmp_path / "box.parquet", {"method": "angle"})
        loaded, provenance = load(tmp_path / "box.parquet", space)
        assert loaded.size == box.size
        assert provenance["method"] == "angle"
        drawn = loaded.sample(100, np.random.default_rng(0))
        assert box.contains(drawn).all()
    assert isinstance(loaded, Box)
    np.testing.assert_array_equal(loaded.allowed, box.allowed)


@pytest.mark.parametrize("choices", [[[0]] * 19, [[4]] * 20, [[]] * 20, [["0"]] * 20, [[True]] * 20, 3, [3] * 20])
def test_a_box_with_choices_outside_the_space_is_refused(tmp_path: Path, choices: Any) -> None:
    space = shufflenetv2()
    path = tmp_path / "box.parquet"
    save(Box.full(space).without(0, 0), path, {})
    described = json.loads(pl.read_parquet_metadata(path)["lissnas"]) | {"box": choices}
    text = json.dumps(described)
    pl.read_parquet(path).write_parquet(path, metadata={"lissnas": text, "crc32": checksum(text, [])})
    with pytest.raises(LissnasError, match="a box with choices that shufflenetv2 does not have"):
        load(path, space)
