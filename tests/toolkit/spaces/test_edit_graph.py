"""EditGraph: packed breadth-first search and sums in blocks, compared with plain loops and closed forms."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.spaces import edit_graph
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, ShellSums


def _breadth_first(nodes: int, edges: list[tuple[int, int]]) -> np.ndarray:
    joined: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in edges:
        joined[a].add(b)
        joined[b].add(a)
    distances = np.full((nodes, nodes), 255)
    for start in range(nodes):
        distances[start, start], queue = 0, deque([start])
        while queue:
            node = queue.popleft()
            for other in joined[node]:
                if distances[start, other] == 255:
                    distances[start, other] = distances[start, node] + 1
                    queue.append(other)
    return distances


def _graph(nodes: int, edges: list[tuple[int, int]]) -> EditGraph:
    a, b = np.array(edges).T
    return EditGraph.from_pairs(nodes, a, b)


def _dense_sums(distances: Iterator[np.ndarray], columns: Floats, scores: Floats, diameter: int) -> ShellSums:
    """Return the sums over shells, from blocks of rows of a distance matrix."""
    sums, differences = [], []
    first = 0
    for block in distances:
        gaps = np.nan_to_num(np.abs(scores[first : first + len(block), None] - scores))
        shells = [block == distance for distance in range(diameter + 1)]
        sums.append([shell.astype(np.float64) @ columns for shell in shells])
        differences.append([(shell * gaps).sum(axis=1) for shell in shells])
        first += len(block)
    return ShellSums(np.concatenate(sums, axis=1), np.concatenate(differences, axis=1))


def _assert_close(result: ShellSums, expected: ShellSums) -> None:
    # Sums are float32: up to 5,000 terms of size 1, each addition off by 6e-8 of the sum so far.
    np.testing.assert_allclose(result.sums, expected.sums, atol=5e-3)
    np.testing.assert_allclose(result.differences, expected.differences, atol=2e-2)


@st.composite
def some_edges(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Draw a graph in which every node has an edge; it may be disconnected; edges may repeat or be loops."""
    nodes = draw(st.integers(2, 80))
    partner = [(node, draw(st.integers(0, nodes - 2))) for node in range(nodes)]
    others = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=20))
    return nodes, [(a, b + (b >= a)) for a, b in partner] + others


@given(some_edges())
def test_distances_match_breadth_first_search_in_plain_python(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    result = _graph(*drawn).distances(np.arange(drawn[0]))
    np.testing.assert_array_equal(result, _breadth_first(*drawn))


@given(some_edges(), st.data())
def test_distances_from_some_sources_are_columns_of_all_distances(
    drawn: tuple[int, list[tuple[int, int]]], data: Any
) -> None:
    sources = np.array(data.draw(st.lists(st.integers(0, drawn[0] - 1), min_size=1, max_size=9)))
    np.testing.assert_array_equal(_graph(*drawn).distances(sources), _breadth_first(*drawn)[:, sources])


@given(some_edges(), st.randoms(use_true_random=False))
def test_neighbors_are_the_nodes_joined_by_an_edge(drawn: tuple[int, list[tuple[int, int]]], random: Any) -> None:
    nodes, edges = drawn
    nodes_drawn = [random.randrange(nodes) for _ in range(5)]
    result, source = _graph(nodes, edges).neighbors(np.array(nodes_drawn))
    expected = [
        sorted({b for a, b in edges + [(b, a) for a, b in edges] if a == node} - {node}) for node in nodes_drawn
    ]
    assert [sorted(result[source == place].tolist()) for place in range(5)] == expected


def test_an_unreachable_node_has_distance_255() -> None:
    result = _graph(5, [(0, 1), (2, 3), (3, 4)]).distances(np.array([0]))
    np.testing.assert_array_equal(result[:, 0], [0, 1, 255, 255, 255])


def _ragged_graph(nodes: int) -> tuple[EditGraph, np.ndarray]:
    """Return a long path with shortcuts at one end, so that searches from different nodes differ in length."""
    rng = np.random.default_rng(nodes)
    edges = [*pairwise(range(nodes)), *((int(a), int(b)) for a, b in rng.integers(nodes // 2, nodes, (30, 2)))]
    return _graph(nodes, edges), _breadth_first(nodes, edges)


@pytest.mark.parametrize("missing", [0, 40, 150], ids=lambda count: f"{count} missing")
@pytest.mark.parametrize(
    ("sources_at_once", "bytes_at_once", "pairs_at_once"),
    [(1 << 15, 1 << 19, (256, 4096)), (64, 64, (16, 64)), (128, 1 << 10, (256, 32)), (64, 1, (32, 4096))],
    ids=["shipped blocks", "small blocks", "tall blocks", "wide blocks"],
)
def test_shell_sums_do_not_depend_on_the_size_of_the_blocks(
    monkeypatch: pytest.MonkeyPatch,
    missing: int,
    sources_at_once: int,
    bytes_at_once: int,
    pairs_at_once: tuple[int, int],
) -> None:
    monkeypatch.setattr(edit_graph, "_SOURCES_AT_ONCE", sources_at_once)
    monkeypatch.setattr(edit_graph, "_BYTES_AT_ONCE", bytes_at_once)
    monkeypatch.setattr(edit_graph, "_PAIRS_AT_ONCE", pairs_at_once)
    graph, distances = _ragged_graph(150)
    rng = np.random.default_rng(missing)
    columns, scores = rng.normal(size=(150, 3)), np.round(rng.normal(90, 3, 150), 1)
    scores[rng.choice(150, missing, replace=False)] = np.nan
    _assert_close(graph.shell_sums(columns, scores), _dense_sums(iter([distances]), columns, scores, distances.max()))


@pytest.mark.slow
def test_shell_sums_of_a_graph_larger_than_a_block_match_hamming_distances() -> None:
    # 4,140 nodes are more than the 4,096 that are unpacked at once.
    space = CategoricalSpace("box", [[str(choice) for choice in range(count)] for count in (46, 90)], "{}.{}")
    rows = space.all_rows()
    neighbors, source = space.neighbors(rows)
    graph = EditGraph.from_pairs(space.size, source, space.index(neighbors))
    rng = np.random.default_rng(0)
    columns, scores = rng.normal(size=(space.size, 2)), rng.normal(size=space.size)
    scores[rng.choice(space.size, 500, replace=False)] = np.nan
    blocks = ((rows[first : first + 300, None] != rows).sum(axis=2) for first in range(0, space.size, 300))
    _assert_close(graph.shell_sums(columns, scores), _dense_sums(blocks, columns, scores, 2))
