"""Near shells: sums over small distances, compared with the sums over all distances."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from lissnas.locality.exact_locality import pair_locality
from lissnas.spaces import edit_graph
from lissnas.spaces.edit_graph import EditGraph


@pytest.mark.parametrize("largest_distance", [1, 2])
def test_near_shell_sums_are_the_first_shell_sums(small: Any, scores_of: Any, largest_distance: int) -> None:
    scores, columns = scores_of(small.space.size), np.random.default_rng(1).normal(size=(small.space.size, 2))
    near = small.space.near_shell_sums(columns, scores, largest_distance)
    whole = small.space.shell_sums(columns, scores)
    np.testing.assert_array_equal(near.sums, whole.sums[: largest_distance + 1])
    np.testing.assert_array_equal(near.differences, whole.differences[: largest_distance + 1])


@pytest.mark.parametrize("largest_distance", [1, 2])
def test_near_locality_is_the_first_part_of_all_locality(small: Any, scores_of: Any, largest_distance: int) -> None:
    scores = scores_of(small.space.size)
    near = pair_locality(small.space, scores, (0.2,), largest_distance)
    whole = pair_locality(small.space, scores, (0.2,))
    np.testing.assert_array_equal(near.distance, whole.distance[:largest_distance])
    np.testing.assert_array_equal(near.correlation.high, whole.correlation.high[:largest_distance])
    np.testing.assert_array_equal(near.top_rate.value, whole.top_rate.value[:, :largest_distance])


def _path_with_shortcuts_and_an_isolated_node() -> EditGraph:
    rng = np.random.default_rng(0)
    edges = [*pairwise(range(99)), *((int(a), int(b)) for a, b in rng.integers(50, 99, (30, 2)))]
    a, b = np.array(edges).T
    return EditGraph.from_pairs(100, a, b)


@pytest.mark.parametrize("centers_at_once", [7, 100, 1 << 10])
@pytest.mark.parametrize("largest_distance", [0, 1, 2, 5, 200])
def test_near_sums_of_a_graph_do_not_depend_on_the_size_of_the_blocks(
    monkeypatch: pytest.MonkeyPatch, largest_distance: int, centers_at_once: int
) -> None:
    monkeypatch.setattr(edit_graph, "_CENTERS_AT_ONCE", centers_at_once)
    graph, rng = _path_with_shortcuts_and_an_isolated_node(), np.random.default_rng(1)
    columns, scores = rng.normal(size=(100, 3)), rng.normal(90, 2, 100)
    scores[::3] = np.nan
    distances = graph.distances(np.arange(100))
    gaps = np.nan_to_num(np.abs(scores[:, None] - scores))
    shells = [distances == distance for distance in range(largest_distance + 1)]
    result = graph.near_shell_sums(columns, scores, largest_distance)
    # Differences of sums of up to 100 numbers of size 1, in float64.
    np.testing.assert_allclose(result.sums, [shell @ columns for shell in shells], atol=1e-12)
    np.testing.assert_allclose(result.differences, [(shell * gaps).sum(axis=1) for shell in shells], atol=1e-10)


def test_the_distance_of_pairs_matches_all_distances() -> None:
    graph, rng = _path_with_shortcuts_and_an_isolated_node(), np.random.default_rng(2)
    distances = graph.distances(np.arange(100))
    few, many = rng.integers(0, 100, 50) % 5, rng.integers(0, 100, 50)
    np.testing.assert_array_equal(graph.distance(few, many), distances[few, many])
    np.testing.assert_array_equal(graph.distance(many, few), distances[few, many])


def test_the_mean_distance_is_the_mean_over_all_pairs() -> None:
    graph, chosen = _path_with_shortcuts_and_an_isolated_node(), np.random.default_rng(3).permutation(99)[:20]
    distances = graph.distances(np.arange(100))
    assert graph.mean_distance(chosen) == pytest.approx(np.mean([distances[a, b] for a, b in combinations(chosen, 2)]))


@pytest.mark.parametrize("nodes", [[], [3]])
def test_fewer_than_two_nodes_have_no_mean_distance(nodes: list[int]) -> None:
    assert np.isnan(_path_with_shortcuts_and_an_isolated_node().mean_distance(np.array(nodes, dtype=np.int64)))
