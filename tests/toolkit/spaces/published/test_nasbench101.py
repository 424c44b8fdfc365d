"""The cell of NAS-Bench-101 compared with plain loops over graphs: isomorphism, neighbors and distance."""

import json
import os
from collections import deque
from itertools import combinations, product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.landscape import Landscape
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.spaces.graph_codes import canonical, pack, prune, unpack
from lissnas.spaces.published.nasbench101 import OPERATIONS, NasBench101, nasbench101
from nasbench101_graphs import (
    IN,
    OUT,
    Graph,
    graph_of,
    key,
    labeled_graphs,
    neighbor_keys,
    prune_graph,
    row_of,
    upper_triangle,
)


@pytest.fixture(scope="module")
def four() -> NasBench101:
    return nasbench101(4)


# Which graphs are the same


@pytest.fixture(scope="module")
def labeled_five() -> list[tuple[Graph, Graph]]:
    """Every labeled graph with at most 5 vertices and a path, and its pruned graph, of at most 9 edges."""
    pairs = [(graph, prune_graph(graph)) for graph in labeled_graphs(3)]
    return [(graph, pruned) for graph, pruned in pairs if pruned is not None and len(pruned.edges) <= 9]


@pytest.mark.parametrize("places", [(1, 2, 3), (3, 4, 5), (1, 3, 5)])
def test_two_graphs_have_one_place_if_and_only_if_they_are_isomorphic(
    five: NasBench101, labeled_five: list[tuple[Graph, Graph]], places: tuple[int, ...]
) -> None:
    index = five.index(np.array([row_of(graph, places) for graph, _pruned in labeled_five], dtype=np.uint8))
    keys = [key(pruned) for _graph, pruned in labeled_five]
    assert len(set(keys)) == len(set(index)) == len(set(zip(keys, index, strict=True))) == five.size == 2532


def test_canonical_rows_are_pruned_and_have_no_gaps(five: NasBench101) -> None:
    for row in five.all_rows().tolist():
        graph = graph_of(row)
        assert prune_graph(graph) == graph
        assert all(row[: len(graph.operations)])


def test_a_canonical_row_is_the_largest_of_its_network(
    five: NasBench101, labeled_five: list[tuple[Graph, Graph]]
) -> None:
    rows = [row_of(pruned) for _graph, pruned in labeled_five]
    largest: dict[tuple, list[int]] = {}
    for row, (_unpruned, pruned) in zip(rows, labeled_five, strict=True):
        largest[key(pruned)] = max(row, largest.get(key(pruned), row))
    assert five.all_rows().tolist() == sorted(largest.values())


def test_the_space_up_to_4_vertices_is_a_part_of_the_full_space(four: NasBench101, full: NasBench101) -> None:
    np.testing.assert_array_equal(four.all_rows(), full.rows(full.index(four.all_rows())))


@pytest.mark.parametrize(("vertices", "count"), [(2, 1), (3, 7), (4, 91), (5, 2532), (6, 64_542), (7, 423_624)])
def test_the_number_of_graphs_is_the_published_one(vertices: int, count: int) -> None:
    assert nasbench101(vertices).size == count


@pytest.mark.skipif("LISSNAS_SLOW_TESTS" not in os.environ, reason="half a minute: set LISSNAS_SLOW_TESTS to run it")
def test_the_full_space_is_every_labeled_graph_in_canonical_form(full: NasBench101) -> None:
    # Without making shapes first: every upper triangular matrix of at most 9 edges with every choice of operations.
    edges = np.arange(1 << 21, dtype=np.int32)
    edges = edges[np.bitwise_count(edges) <= 9]
    labelings = np.array(list(product((1, 2, 3), repeat=5)), dtype=np.uint8)
    labels = pack(np.hstack([labelings, np.zeros((len(labelings), 21), dtype=np.uint8)]))
    result = [np.unique(canonical(np.unique(prune(edges | label)))) for label in labels]
    codes = np.unique(np.concatenate(result))
    np.testing.assert_array_equal(unpack(codes[codes > 0]), full.all_rows())


def _random_graph(draw: st.DrawFn) -> Graph:
    inner = draw(st.integers(0, 5))
    possible = upper_triangle(inner)
    edges = draw(st.sets(st.sampled_from(possible), max_size=9))
    operations = tuple(draw(st.lists(st.integers(1, 3), min_size=inner, max_size=inner)))
    # An edge from input to output guarantees a path.
    return Graph(operations, frozenset(edges | {(IN, OUT)} if len(edges) < 9 else edges))


@st.composite
def _some_graph(draw: st.DrawFn) -> Graph:
    return _random_graph(draw)


@st.composite
def _renumbered_pair(draw: st.DrawFn) -> tuple[Graph, Graph]:
    """Draw a graph, and the same graph with its vertices in another topological order."""
    graph = _random_graph(draw)
    inner = len(graph.operations)
    order: list[int] = []
    while len(order) < inner:
        free = [v for v in range(inner) if v not in order and all(a in (IN, *order) for a, b in graph.edges if b == v)]
        order.append(draw(st.sampled_from(free)))
    new = {IN: IN, OUT: OUT} | {vertex: place for place, vertex in enumerate(order)}
    edges = frozenset((new[a], new[b]) for a, b in graph.edges)
    return graph, Graph(tuple(graph.operations[vertex] for vertex in order), edges)


def _canonical(*graphs: Graph) -> np.ndarray:
    return canonical(prune(pack(np.array([row_of(graph) for graph in graphs], dtype=np.uint8))))


@given(_renumbered_pair())
def test_the_canonical_form_does_not_depend_on_the_numbering(pair: tuple[Graph, Graph]) -> None:
    first, second = _canonical(*pair)
    assert first == second


@given(_some_graph())
def test_the_canonical_form_is_the_pruned_graph(graph: Graph) -> None:
    [code] = _canonical(graph)
    pruned = prune_graph(graph)
    if pruned is None:
        assert code == 0
    else:
        assert key(graph_of(unpack(np.array([code]))[0].tolist())) == key(pruned)


@given(_some_graph(), _some_graph())
def test_different_graphs_have_different_canonical_forms(a: Graph, b: Graph) -> None:
    first, second = _canonical(a, b)
    pruned = [prune_graph(graph) and key(prune_graph(graph)) for graph in (a, b)]
    assert (first == second) == (pruned[0] == pruned[1])


@given(_some_graph())
def test_a_row_is_its_code_unpacked(graph: Graph) -> None:
    row = np.array([row_of(graph)], dtype=np.uint8)
    np.testing.assert_array_equal(unpack(pack(row)), row)


# Official graphs


def _strings(frame: pl.DataFrame) -> list[str]:
    names = {-1: IN, -2: OUT} | dict(enumerate(OPERATIONS))
    strings = []
    for matrix, operations in frame.select("matrix", "ops").iter_rows():
        digits = "".join(str(digit) for line in json.loads(matrix) for digit in line)
        strings.append(f"{digits} {','.join(names.get(name, name) for name in json.loads(operations))}")
    return strings


def test_the_official_graphs_of_at_most_5_vertices_are_the_space(shared_data: Path, five: NasBench101) -> None:
    frame = pl.read_parquet(shared_data / "nasbench101_5v_4epochs.parquet").unique("hash")
    index = five.index(five.read(_strings(frame)))
    np.testing.assert_array_equal(np.sort(index), np.arange(2532))


def test_graphs_with_different_official_hashes_are_different(shared_data: Path, full: NasBench101) -> None:
    frame = pl.read_parquet(shared_data / "nasbench101_subset_108epochs.parquet")
    assert frame["graph_hash"].n_unique() == frame.height
    assert len(np.unique(full.index(full.read(_strings(frame))))) == frame.height


# Neighbors and distance


def _neighbor_keys_of(space: NasBench101, place: int) -> list[tuple]:
    neighbors, _source = space.neighbors(space.rows(np.array([place])))
    return [key(graph_of(row)) for row in neighbors.tolist()]


@pytest.mark.slow
def test_neighbors_are_the_graphs_one_edit_away(five: NasBench101) -> None:
    rows = five.all_rows()
    keys = [key(graph_of(row)) for row in rows.tolist()]
    neighbors, source = five.neighbors(rows)
    result: list[list[tuple]] = [[] for _ in keys]
    for place, other in zip(source.tolist(), five.index(neighbors).tolist(), strict=True):
        result[place].append(keys[other])
    expected = [neighbor_keys(graph_of(row), max_inner=3) for row in rows.tolist()]
    assert [sorted(one) for one in result] == [sorted(one) for one in expected]


@pytest.mark.slow
def test_neighbors_in_the_full_space_are_the_graphs_one_edit_away(full: NasBench101) -> None:
    for place in np.random.default_rng(0).choice(full.size, 20, replace=False).tolist():
        [row] = full.rows(np.array([place])).tolist()
        assert sorted(_neighbor_keys_of(full, place)) == sorted(neighbor_keys(graph_of(row), max_inner=5))


def test_every_network_can_be_reached_from_every_other(full: NasBench101) -> None:
    distances = full.graph.distances(np.array([0]))
    assert distances.max() == 10


def _distances(space: NasBench101) -> np.ndarray:
    keys = [key(graph_of(row)) for row in space.all_rows().tolist()]
    joined = [[keys.index(key) for key in neighbor_keys(graph_of(row), 2)] for row in space.all_rows().tolist()]
    distances = np.full((len(keys), len(keys)), -1)
    for start in range(len(keys)):
        distances[start, start], queue = 0, deque([start])
        while queue:
            node = queue.popleft()
            for other in joined[node]:
                if distances[start, other] < 0:
                    distances[start, other] = distances[start, node] + 1
                    queue.append(other)
    return distances


@pytest.fixture(scope="module")
def distances(four: NasBench101) -> np.ndarray:
    return _distances(four)


def test_distance_is_the_smallest_number_of_edits(four: NasBench101, distances: np.ndarray) -> None:
    rows = four.all_rows()
    a, b = (grid.ravel() for grid in np.indices(distances.shape))
    np.testing.assert_array_equal(four.distance(rows[a], rows[b]), distances[a, b])


def test_distances_of_two_batches_match_the_smallest_numbers_of_edits(four: NasBench101, distances: np.ndarray) -> None:
    a, b = np.arange(four.size)[::2], np.arange(four.size)[::-1]
    np.testing.assert_array_equal(four.distances(four.rows(a), four.rows(b)), distances[np.ix_(a, b)])


def test_mean_distance_is_the_mean_over_all_pairs(four: NasBench101, distances: np.ndarray) -> None:
    chosen = np.random.default_rng(2).permutation(four.size)[:9]
    pairs = [distances[a, b] for a, b in combinations(chosen, 2)]
    assert four.mean_distance(four.rows(chosen)) == pytest.approx(np.mean(pairs))


def test_fewer_than_two_architectures_have_no_mean_distance(four: NasBench101) -> None:
    assert np.isnan(four.mean_distance(four.all_rows()[:1]))


def test_shell_sums_match_a_double_loop(four: NasBench101, distances: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    columns, scores = rng.normal(size=(four.size, 2)), rng.normal(90, 2, four.size)
    scores[::4] = np.nan
    result = four.shell_sums(columns, scores)
    gaps = np.nan_to_num(np.abs(scores[:, None] - scores))
    shells = [distances == distance for distance in range(distances.max() + 1)]
    # Sums are float32, of up to 40 terms of size 1 or 90.
    np.testing.assert_allclose(result.sums, [shell @ columns for shell in shells], atol=1e-4)
    np.testing.assert_allclose(result.differences, [(shell * gaps).sum(axis=1) for shell in shells], atol=2e-3)


@pytest.mark.parametrize("largest_distance", [1, 2, 3])
def test_near_shell_sums_are_the_first_shell_sums(four: NasBench101, largest_distance: int) -> None:
    rng = np.random.default_rng(1)
    columns, scores = rng.normal(size=(four.size, 2)), rng.normal(90, 2, four.size)
    scores[::4] = np.nan
    near, full_sums = four.near_shell_sums(columns, scores, largest_distance), four.shell_sums(columns, scores)
    np.testing.assert_allclose(near.sums, full_sums.sums[: largest_distance + 1], atol=1e-4)
    np.testing.assert_allclose(near.differences, full_sums.differences[: largest_distance + 1], atol=2e-3)


def test_locality_up_to_distance_2_is_the_first_part_of_all_locality(five: NasBench101) -> None:
    scores = np.random.default_rng(0).normal(90, 2, five.size)
    near, full_range = pair_locality(five, scores, largest_distance=2), pair_locality(five, scores)
    np.testing.assert_array_equal(near.pairs, full_range.pairs[:2])
    np.testing.assert_allclose(near.correlation.value, full_range.correlation.value[:2], atol=1e-5)
    np.testing.assert_allclose(near.top_rate.high, full_range.top_rate.high[:, :2], atol=1e-5)


@pytest.mark.parametrize("largest_distance", [0, -1])
def test_a_largest_distance_without_pairs_is_refused(four: NasBench101, largest_distance: int) -> None:
    with pytest.raises(SettingError, match=f"must be at least 1 edit, not {largest_distance}"):
        pair_locality(four, np.arange(91.0), largest_distance=largest_distance)


def test_one_step_of_a_walk_starts_from_all_neighbors(five: NasBench101) -> None:
    scores = np.random.default_rng(0).normal(90, 2, five.size)
    walked = walk_autocorrelation(Landscape(five, scores), 1).value[1]
    assert walked == pytest.approx(pair_locality(five, scores, largest_distance=1).correlation.value[0])
